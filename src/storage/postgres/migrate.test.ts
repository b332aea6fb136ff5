import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { databaseAt, withClient } from '../../../test/support/postgres-client.ts';
import { createTestDatabase } from '../../../test/support/postgres.ts';
import { runOne } from '../../core/ports/command.ts';
import { OperatorProblem } from '../../core/ports/operator-problem.ts';
import type { Store } from '../../core/ports/store.ts';
import {
  accept,
  anAttempt,
  aReport,
  aWebhook,
  claimMessages,
  createInstance,
  createWebhook,
  fanOut,
  listMessages,
  register,
  toInterests,
  toUsers,
} from '../testsuite/fixtures.ts';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

const present = new URL('../migrations/postgres/0001-tables.sql', import.meta.url);

/** Those of a version to come: a migration more than there are. */
function nextVersion(statements: string): URL {
  const folder = mkdtempSync(path.join(tmpdir(), 'pharos-migrations-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  copyFileSync(present, path.join(folder, '0001-tables.sql'));
  writeFileSync(path.join(folder, '0002-next.sql'), statements);
  return pathToFileURL(`${folder}/`);
}

async function aDatabase() {
  const { url, drop } = await createTestDatabase();
  const database = new Database({ url, maxConnections: 4, preparedStatements: true });
  const stores: Store[] = [];
  onTestFinished(async () => {
    await Promise.all([database, ...stores].map((opened) => opened.close()));
    await drop();
  });
  const open = async () => {
    const store = await openPostgresStore({ sealer: testSealer, url });
    stores.push(store);
    return store;
  };
  return { database, open };
}

/** What a node does for a notification: everything goes as it did. */
async function wholeStory(store: Store, instanceId: string, user: string): Promise<void> {
  const device = await register(store, instanceId, { user, interests: ['news'] });
  await fanOut(store, await accept(store, instanceId, toInterests('news'), { urlTarget: 'url:https://app.example' }));
  const publish = await accept(store, instanceId, toUsers(user));
  await fanOut(store, publish);
  await runOne(store.recordReports, aReport(publish, device));
  for (const kind of ['exhausted', 'delivered'] as const) {
    const messages = await claimMessages(store, instanceId);
    expect(messages.length).toBeGreaterThan(0);
    for (const message of messages) {
      await runOne(store.completeAttempts, { ...message, attempt: anAttempt(), next: { kind } });
      if (kind === 'exhausted') await runOne(store.resendMessages, message);
    }
  }
  expect(await store.summarizePublish(publish)).toMatchObject({ users: { delivered: [user] } });
  expect(await listMessages(store, { instanceId, user, limit: 10 })).toMatchObject([{ state: 'delivered' }]);
  expect(await store.findWebhookHealth(instanceId, (await store.listWebhooks(instanceId))[0]?.id ?? '')).toMatchObject({
    failingSince: null,
  });
  expect((await store.findInstance(instanceId))?.name).toBe('shop');
  await runOne(store.deleteExpired, { instanceId, before: 0, maxRows: 10 });
}

// More than any real one changes: a column in every table. Names of partitions follow their table.
const expand = `-- oldest code: 1
DO $$ DECLARE name TEXT; BEGIN
  FOR name IN SELECT c.oid::regclass FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  LOOP EXECUTE format('ALTER TABLE %s ADD COLUMN next_version TEXT DEFAULT %L', name, 'x'); END LOOP;
END $$;
CREATE TABLE next_things (instance_id UUID PRIMARY KEY);
`;

test('nodes that start at once migrate once', async () => {
  const { database, open } = await aDatabase();
  const stores = await Promise.all([open(), open(), open()]);
  const [first] = stores;
  if (!first) throw new Error('there is no store');
  const instanceId = await createInstance(first);
  for (const store of stores) expect(await store.findInstance(instanceId)).not.toBeNull();
  expect(await database.sql.all('SELECT number, file, oldest_code FROM migrations')).toEqual([
    { number: 1, file: '0001-tables.sql', oldest_code: 1 },
  ]);
});

test('a node goes on working, under load, while a newer version expands the schema', async () => {
  const { database, open } = await aDatabase();
  const old = await open();
  const instanceId = await createInstance(old);
  await createWebhook(old, aWebhook(instanceId));
  let stories = 0;
  let migrated = false;
  const working = (async () => {
    for (let after = 0; after < 3; stories += 1) {
      await wholeStory(old, instanceId, `user ${stories}`);
      if (migrated) after += 1;
    }
  })();
  await expect.poll(() => stories).toBeGreaterThan(0);
  const folder = nextVersion(expand);
  // Two nodes of the newer version start at once.
  const upgrade = Promise.all([migrate(database, folder), migrate(database, folder)]);
  await Promise.race([upgrade, working.then(() => upgrade)]);
  migrated = true;
  await working;
  const added = await database.sql.get<{ value: string }>('SELECT next_version AS value FROM messages LIMIT 1');
  expect(added).toEqual({ value: 'x' });
  // One more of the old version may start: it has crashed, say.
  const again = await open();
  await wholeStory(again, instanceId, 'late');
});

test('a node refuses a schema that a newer version has contracted', async () => {
  const { database, open } = await aDatabase();
  await open();
  await migrate(database, nextVersion('-- oldest code: 2\nALTER TABLE webhooks DROP COLUMN custom_data;\n'));
  const refused = open();
  await expect(refused).rejects.toThrow(OperatorProblem);
  await expect(refused).rejects.toThrow(
    'the database has migration 2, which this version of Pharos (migrations up to 1) cannot work with',
  );
  await expect(migrate(database, nextVersion('-- oldest code: 2\n'))).resolves.toBeUndefined();
});

test('a migration that fails leaves nothing behind', async () => {
  const { database, open } = await aDatabase();
  const store = await open();
  const broken = nextVersion('-- oldest code: 1\nCREATE TABLE half (a INT);\nALTER TABLE nowhere ADD COLUMN b INT;\n');
  await expect(migrate(database, broken)).rejects.toThrow('nowhere');
  expect(await database.sql.get(`SELECT to_regclass('half') AS half, count(*) AS count FROM migrations`)).toEqual({
    half: null,
    count: 1,
  });
  expect(await createInstance(store)).toBeTruthy();
});

test('a database that does not have all texts is refused', async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const name = `${new URL(url).pathname.slice(1)}_latin`;
  await withClient(url, (client) =>
    client.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`),
  );
  onTestFinished(() => withClient(url, async (client) => void (await client.query(`DROP DATABASE ${name}`))));
  await expect(openPostgresStore({ sealer: testSealer, url: databaseAt(url, name) })).rejects.toThrow(
    "ENCODING 'UTF8'",
  );
});
