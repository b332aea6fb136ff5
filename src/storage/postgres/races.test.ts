import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '../../../test/support/postgres.ts';
import { createMigratedDatabase } from '../../../test/support/postgres.ts';
import { withClient } from '../../../test/support/postgres-client.ts';
import { runOne } from '../../core/ports/command.ts';
import type { Store } from '../../core/ports/store.ts';
import {
  accept,
  aDevice,
  aReport,
  aWebhook,
  createInstance,
  createWebhook,
  listMessages,
  register,
  toInterests,
  toUsers,
} from '../testsuite/fixtures.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

/** How often two nodes try to get into each other's way. */
const rounds = 20;

let database: TestDatabase;
let nodes: readonly [Store, Store];

beforeAll(async () => {
  database = await createMigratedDatabase();
  const open = () => openPostgresStore({ sealer: testSealer, url: database.url });
  nodes = [await open(), await open()];
});

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await database.drop();
});

const onBoth = <Value>(run: (node: Store) => Promise<Value>): Promise<Value[]> => Promise.all(nodes.map(run));

test('an address that registers on two nodes has one device, and counts once', async () => {
  const instanceId = await createInstance(nodes[0]);
  for (let round = 0; round < rounds; round += 1) {
    const { address } = aDevice(instanceId);
    const maxDevices = round + 1;
    const [one, other] = await onBoth((node) =>
      runOne(node.registerDevices, aDevice(instanceId, { address, maxDevices })),
    );
    if (one?.kind !== 'registered' || other?.kind !== 'registered') throw new Error('there is room for one more');
    expect(one.deviceId).toBe(other.deviceId);
    expect([one.created, other.created].filter(Boolean)).toHaveLength(1);
  }
  const full = { maxDevices: rounds + 1 };
  const answers = await onBoth((node) => runOne(node.registerDevices, aDevice(instanceId, full)));
  expect(answers.map(({ kind }) => kind).sort()).toEqual(['registered', 'too-many-devices']);
});

test('a user has no more devices than allowed, whoever gives them', async () => {
  const instanceId = await createInstance(nodes[0]);
  for (let round = 0; round < rounds; round += 1) {
    const answers = await onBoth(async (node) => {
      const device = await register(node, instanceId);
      return runOne(node.setDeviceUsers, { ...device, user: `user-${round}`, maxDevices: 1 });
    });
    expect(answers.sort()).toEqual(['set', 'too-many-devices']);
  }
});

test('a user who gets a device while unused users are deleted stays', async () => {
  const [one, other] = nodes;
  const instanceId = await createInstance(one);
  await accept(one, instanceId, toUsers('anna'));
  const device = await register(one, instanceId);
  await withClient(database.url, async (client) => {
    await client.query('UPDATE users SET last_used_day = 1 WHERE instance_id = $1', [instanceId]);
    const waiting = async () => {
      const inDatabase = 'datname = current_database()';
      const list = `SELECT FROM pg_stat_activity WHERE ${inDatabase} AND wait_event_type = 'Lock'`;
      return (await client.query(list)).rowCount;
    };
    await client.query('BEGIN');
    await client.query('SELECT FROM devices WHERE instance_id = $1 FOR UPDATE', [instanceId]);
    // The user has got no device yet, and is locked …
    const set = runOne(one.setDeviceUsers, { ...device, user: 'anna', maxDevices: 1 });
    await expect.poll(waiting).toBe(1);
    // … when another node is about to delete who has none.
    const deleted = runOne(other.deleteExpired, { instanceId, before: Date.now() - 86_400_000, maxRows: 100 });
    await expect.poll(waiting).toBe(2);
    await client.query('COMMIT');
    expect(await set).toBe('set');
    await deleted;
  });
  expect(await one.findDevice(device)).toMatchObject({ user: 'anna' });
});

test('a device that reports through two nodes counts once', async () => {
  const instanceId = await createInstance(nodes[0]);
  const publish = await accept(nodes[0], instanceId, toInterests('a'));
  const devices = await Promise.all(Array.from({ length: rounds }, () => register(nodes[0], instanceId)));
  const kinds = ['delivery', 'displayed'] as const;
  const recorded = await Promise.all(
    devices.flatMap((device) =>
      nodes.map((node, index) => {
        const report = aReport(publish, device, { kind: kinds[index] ?? 'displayed' });
        return runOne(node.recordReports, report);
      }),
    ),
  );
  expect(recorded.every(({ kind }) => kind === 'recorded')).toBe(true);
  const web = { triggered: 0, acknowledged: rounds, openable: rounds, opened: 0 };
  expect((await nodes[0].summarizePublish(publish))?.insights).toEqual({ web });
});

test('counters that some reports raise together are made together, so that nodes do not wait for each other', async () => {
  const instanceId = await createInstance(nodes[0]);
  const publish = await accept(nodes[0], instanceId, toInterests('a'));
  const report = aReport(publish, await register(nodes[0], instanceId), { hasDisplayableContent: false });
  await runOne(nodes[0].recordReports, report);
  await withClient(database.url, async (client) => {
    const list = 'SELECT outcome, count::int FROM publish_outcomes WHERE publish_id = $1 ORDER BY outcome';
    expect((await client.query(list, [publish.publishId])).rows).toEqual([
      { outcome: 'confirmed', count: 1 },
      { outcome: 'openable', count: 0 },
    ]);
  });
});

test('nothing is left to be sent about a user who was erased while reports came', async () => {
  const [one, other] = nodes;
  const instanceId = await createInstance(one);
  const webhook = await createWebhook(one, aWebhook(instanceId));
  for (let round = 0; round < rounds; round += 1) {
    const user = `user-${round}`;
    const device = await register(one, instanceId, { user });
    const publish = await accept(one, instanceId, toUsers(user));
    await Promise.all([
      runOne(one.recordReports, aReport(publish, device)),
      runOne(other.eraseUsers, { instanceId, user }),
    ]);
  }
  const messages = await listMessages(one, { instanceId, webhookId: webhook.id, limit: 100 });
  expect(messages.filter(({ state }) => state !== 'dropped')).toEqual([]);
});

test('made up actions end after eight, whoever hears of them', async () => {
  const [one] = nodes;
  const instanceId = await createInstance(one);
  const publish = await accept(one, instanceId, toInterests('news'));
  for (let round = 0; round < rounds; round += 1) {
    const device = await register(one, instanceId);
    const click = (action: string) => aReport(publish, device, { kind: 'clicked', action });
    const known = Array.from({ length: 7 }, (_, count) => click(`known ${count}`));
    await one.recordReports(known);
    let nodeNumber = 0;
    const answers = await onBoth((node) => runOne(node.recordReports, click(`on node ${(nodeNumber += 1)}`)));
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['recorded', 'repeat']);
  }
});
