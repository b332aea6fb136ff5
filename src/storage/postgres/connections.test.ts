import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { v7 } from 'uuid';
import { expect, onTestFinished, test } from 'vitest';
import { withClient } from '../../../test/support/postgres-client.ts';
import { createMigratedDatabase, createTestDatabase } from '../../../test/support/postgres.ts';
import { runOne } from '../../core/ports/command.ts';
import { OperatorProblem } from '../../core/ports/operator-problem.ts';
import { uuidV7Time } from '../../protocol/ids.ts';
import {
  accept,
  anAttempt,
  aReport,
  aWebhook,
  claimMessages,
  createInstance,
  createWebhook,
  register,
  toUsers,
} from '../testsuite/fixtures.ts';
import { Database } from './database.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { isUnavailable } from './unavailable.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (reason: unknown) => reason,
  );

function connectTo(url: string): Database {
  const database = new Database({ url, maxConnections: 1, preparedStatements: true });
  onTestFinished(() => database.close());
  return database;
}

test('a connection that has become read-only is given up for one to whoever is the primary now', async () => {
  const database = await createMigratedDatabase();
  onTestFinished(() => database.drop());
  const store = await openPostgresStore({ sealer: testSealer, url: database.url });
  onTestFinished(() => store.close());
  await withClient(database.url, async (client) => {
    const name = client.escapeIdentifier(client.database ?? '');
    await client.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    // Connections keep what they began with, as those to a primary that was demoted do.
    const others = 'datname = current_database() AND pid <> pg_backend_pid()';
    await client.query(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE ${others}`);
    await expect.poll(async () => String(await failureOf(store.check()))).toContain('read-only');
    await client.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
  });
  expect(await failureOf(store.check())).toBeNull();
});

test('a database that lets nobody in is unavailable, whatever the reason, and no item is to blame', async () => {
  const { url, drop } = await createMigratedDatabase();
  onTestFinished(drop);
  const refused = connectTo(url.replace(/[^/]*$/, 'no_such_database'));
  const failures = [refused.sql.get('SELECT 1'), refused.transaction((sql) => sql.get('SELECT 1'))].map(failureOf);
  for (const failure of await Promise.all(failures)) {
    expect(failure).toMatchObject({ message: 'database "no_such_database" does not exist' });
    expect(isUnavailable(failure)).toBe(true);
  }
});

test('a database that is lost during a commit may have carried it out, and that is said', async () => {
  const { url, drop } = await createMigratedDatabase();
  onTestFinished(drop);
  const store = await openPostgresStore({ sealer: testSealer, url });
  onTestFinished(() => store.close());
  // The next test may get the same database.
  onTestFinished(() => withClient(url, (client) => client.query('DROP FUNCTION ends CASCADE')).then(() => {}));
  const instanceId = await createInstance(store);
  const ends = async (when: string) =>
    withClient(url, (client) =>
      client.query(`
        CREATE OR REPLACE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
        DROP TRIGGER IF EXISTS ends ON devices;
        CREATE CONSTRAINT TRIGGER ends AFTER INSERT ON devices ${when} FOR EACH ROW EXECUTE FUNCTION ends()`),
    );
  await ends('DEFERRABLE INITIALLY DEFERRED');
  expect(await failureOf(register(store, instanceId))).toMatchObject({ name: 'StoreUnavailable', mayBeDone: true });
  await ends('');
  expect(await failureOf(register(store, instanceId))).toMatchObject({ name: 'StoreUnavailable', mayBeDone: false });
});

test('a role that may not make tables is told to whoever starts a node', async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  await withClient(url, (client) => client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC'));
  const problem = await failureOf(
    openPostgresStore({ sealer: testSealer, url: `${url}?options=-c%20role%3Dpg_monitor` }),
  );
  expect(problem).toBeInstanceOf(OperatorProblem);
  expect(String(problem)).toMatch(/permission denied for schema public.*own its database/);
});

test('a connection that ends while it is handed over is an error, and not the end of the process', async () => {
  const message = (type: string, body: Buffer | string) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(4 + Buffer.byteLength(body));
    return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
  };
  // It is let in, is ready, and is ended: all in one go.
  const bye = message('E', 'SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0');
  const answer = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', 'I'), bye]);
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.write(answer)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const database = connectTo(`postgres://somebody@127.0.0.1:${(server.address() as AddressInfo).port}/some`);
  expect(isUnavailable(await failureOf(database.transaction((sql) => sql.get('SELECT 1'))))).toBe(true);
  expect(isUnavailable(await failureOf(database.sql.get('SELECT 1')))).toBe(true);
});

test('what was just made is shown although the replica does not have it yet; what decides something is not asked there', async () => {
  const [primary, replica] = [await createMigratedDatabase(), await createMigratedDatabase()];
  const store = await openPostgresStore({ sealer: testSealer, url: primary.url, readUrl: replica.url });
  onTestFinished(async () => {
    await store.close();
    await Promise.all([primary.drop(), replica.drop()]);
  });
  const instanceId = await createInstance(store);
  const { id: target } = await createWebhook(store, aWebhook(instanceId));
  const device = await register(store, instanceId, { user: 'anna' });
  const publish = await accept(store, instanceId, toUsers('anna'), { urlTarget: 'url:https://a.example' });
  expect(await store.viewPublish({ ...publish, countRemainingUpTo: 10 })).toMatchObject(publish);
  expect(await store.listPublishes({ instanceId, limit: 1, offset: 0, countRemainingUpTo: 1 })).toMatchObject({
    total: 0,
  });
  const replay = { instanceId, target, replayId: v7(), states: ['held'] as const, eventType: null, since: null };
  await runOne(store.createReplays, { ...replay, maxPerSecond: null });
  expect(await store.findReplay(replay)).toMatchObject({ replayId: replay.replayId });
  const [message] = await claimMessages(store, instanceId);
  if (!message) throw new Error('STARTED is due');
  expect(await store.findMessage(message)).toMatchObject({ messageId: message.messageId });
  expect(await store.listAttempts(message)).toEqual([]);
  await runOne(store.recordReports, aReport(publish, device));
  const [report] = await claimMessages(store, instanceId);
  if (!report) throw new Error('the report is due');
  await runOne(store.completeAttempts, { ...report, attempt: anAttempt(), next: { kind: 'delivered' } });
  expect(await store.findWebhookHealth(instanceId, target)).toEqual({
    lastSuccessAt: expect.any(Number),
    failingSince: null,
  });
});

test('ids of events and messages have the time that nodes agree on, whatever this machine believes', async () => {
  const database = await createMigratedDatabase();
  const aheadMs = 3_600_000;
  const store = await openPostgresStore({ sealer: testSealer, url: database.url, clock: () => Date.now() + aheadMs });
  onTestFinished(async () => {
    await store.close();
    await database.drop();
  });
  const instanceId = await createInstance(store);
  await createWebhook(store, aWebhook(instanceId));
  const device = await register(store, instanceId, { user: 'anna' });
  const publish = await accept(store, instanceId, toUsers('anna'), { urlTarget: 'url:https://a.example' });
  await runOne(store.recordReports, aReport(publish, device));
  const messages = await claimMessages(store, instanceId);
  expect(messages).toHaveLength(2);
  for (const id of messages.flatMap(({ messageId, eventId }) => [messageId, eventId])) {
    expect(uuidV7Time(id)).toBeGreaterThan(Date.now() + aheadMs / 2);
  }
});
