import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { programEnvironment } from '../support/program-environment.ts';
import { lastRelease, packServer, unpackServer } from '../support/server-package.ts';
import { waitFor } from '../support/wait-for.ts';
import { createCustomer } from './customer.ts';
import { viewDatabase } from './database-view.ts';
import { startFaultWorld } from './fault-server.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { readSeed } from './seeded.ts';
import { startTraffic } from './traffic.ts';

const folder = mkdtempSync(join(tmpdir(), 'pharos-upgrade-'));
/** Folders of the packages: the last release, and the present sources with a version more. */
let released: string;
let present: string;

beforeAll(() => {
  const packed = packServer(folder);
  released = unpackServer(lastRelease().tarball, join(folder, 'released'));
  present = unpackServer(packed, join(folder, 'present'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Of a version to come, whether or not the sources have changed the schema since the release: what all of the traffic goes through. */
const changedTables = ['publishes', 'reports', 'messages', 'message_queue'];

/** Adds one for each of the tables to the package; answers the number of the last one. */
function addMigrations(oldestCode: number, change: string): number {
  const folder = join(present, 'lib/storage/migrations/postgres');
  const last = Number(readdirSync(folder).toSorted().at(-1)?.slice(0, 4));
  for (const [index, table] of changedTables.entries()) {
    const file = `${String(last + 1 + index).padStart(4, '0')}-${table}.sql`;
    writeFileSync(join(folder, file), `-- oldest code: ${oldestCode}\nALTER TABLE ${table} ${change};\n`);
  }
  return last + changedTables.length;
}

test('nodes are replaced one after the other: the new ones expand the schema below the old one, and contract it when that has gone', async () => {
  const seed = readSeed();
  console.log(`FAULT_SEED=${seed}, from ${lastRelease().version}`);
  const world = await startFaultWorld(seed);
  const database = await createTestDatabase();
  const keys = mkdtempSync(join(folder, 'keys-'));
  const serving: PharosProcess[] = [];
  onTestFinished(async () => {
    await Promise.all(serving.map((node) => node.remove()));
    await Promise.all(world.fronts.map((front) => front.close()));
    await database.drop();
  });
  const settings = {
    ...world.launch.settings,
    PHAROS_DATABASE_URL: database.url,
    PHAROS_MASTER_KEYS_FILE: join(keys, 'master-keys.json'),
    PHAROS_ADMIN_TOKEN_FILE: join(keys, 'admin-token'),
  };
  const startNode = async (installed: string): Promise<PharosProcess> => {
    const node = await startPharosProcess({ ...world.launch, settings, installed });
    serving.push(node);
    return node;
  };
  const oldNode = await startNode(released);
  let turn = 0;
  const someNode = (): PharosProcess => serving[(turn += 1) % serving.length] ?? oldNode;
  const pharos = {
    get origin() {
      return someNode().origin;
    },
    admin: (...request: Parameters<PharosProcess['admin']>) => someNode().admin(...request),
    dataDir: oldNode.dataDir,
    databaseUrl: database.url,
  };
  // Nobody is killed, so nothing is excused.
  const server = { ...world, pharos, restarts: [] };
  const customer = await createCustomer(server, seed);
  await Promise.all(Array.from({ length: 20 }, (_, index) => customer.registerDevice(`user ${index}`)));
  const traffic = startTraffic(customer, seed);
  /** Until as much more has been published, reported and sent to webhooks; whoever serves goes on serving. */
  const goOn = async (what: string): Promise<void> => {
    const counts = () => [customer.publishes.length, customer.reports.length, world.targets.requests.length];
    const goals = counts().map((count, index) => count + ([20, 5, 30][index] ?? 0));
    const isThere = () => counts().every((count, index) => count >= (goals[index] ?? 0));
    await waitFor(what, isThere).catch((cause: unknown) => {
      const logs = serving.map((node) => node.output().slice(-2_000)).join('\n');
      throw new Error(`publishes, reports and webhooks: ${counts().join(', ')} of ${goals.join(', ')}\n${logs}`, {
        cause,
      });
    });
    for (const node of serving) expect((await fetch(`${node.origin}/readyz`)).status).toBe(200);
  };
  await goOn('the release to work');

  const expanded = addMigrations(1, `ADD COLUMN next_version TEXT DEFAULT 'x'`);
  await startNode(present);
  await goOn('the release to work beside what replaces it');
  const view = await viewDatabase(server.pharos);
  const added = await view.all(`SELECT DISTINCT next_version FROM messages`);
  expect(added).toEqual([{ next_version: 'x' }]);

  serving.splice(serving.indexOf(oldNode), 1);
  expect(await oldNode.stop()).toBe(0);
  expect(oldNode.output()).not.toMatch(/"level":"?(error|50)/);
  addMigrations(expanded, 'DROP COLUMN next_version');
  await startNode(present);
  await goOn('a node to work beside what contracts the schema');
  await view.close();

  const refusal = spawnSync(process.execPath, [join(released, 'lib/cli/pharos.js'), 'serve'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...programEnvironment(), ...settings, PHAROS_PORT: '0' },
  });
  expect([refusal.status, refusal.stderr]).toEqual([
    1,
    expect.stringMatching(/the database has migration \d+, which this version of Pharos \(migrations up to \d+\)/),
  ]);

  await traffic.stop();
  await waitUntilIdle(server);
  const { problems, repeats, figures } = await readLedger(server, customer);
  console.log(JSON.stringify(figures));
  expect({ problems, repeats }).toEqual({ problems: [], repeats: [] });
  await oldNode.remove();
}, 600_000);
