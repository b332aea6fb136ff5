import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { withClient } from '../../../test/support/postgres-client.ts';
import { createTestDatabase } from '../../../test/support/postgres.ts';
import type { PostgresCluster } from './join-cluster.ts';
import { joinPostgresCluster } from './join-cluster.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

const warnings: string[] = [];
const log = { info() {}, warn: (...said: unknown[]) => void warnings.push(JSON.stringify(said)), error() {} };

/** An empty database with the schema, and nodes that join it. */
async function aDatabase() {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  await (await openPostgresStore({ sealer: testSealer, url: database.url })).close();
  const join = async (
    masterKeys: readonly string[] = ['k1'],
    roles: readonly ['webhooks'] | readonly ['api'] = ['webhooks'],
  ) => {
    const cluster = await joinPostgresCluster({
      url: database.url,
      listenUrl: database.url,
      preparedStatements: true,
      node: { id: randomUUID(), roles },
      masterKeys: () => masterKeys,
      log,
    });
    onTestFinished(() => cluster.leave());
    return cluster;
  };
  return { url: database.url, join };
}

const hintsOf = (cluster: PostgresCluster): string[] => {
  const heard: string[] = [];
  cluster.onHint((hint) => void (hint.kind === 'anything' || heard.push(JSON.stringify(hint))));
  return heard;
};

test('what a node tells reaches the others once, and not itself', async () => {
  const { join } = await aDatabase();
  const [one, other] = [await join(), await join()];
  const [byOne, byOther] = [hintsOf(one), hintsOf(other)];
  for (let turn = 0; turn < 50; turn++) one.tell({ kind: 'due', queue: 'ranges' });
  for (let turn = 0; turn < 100; turn++) one.tell({ kind: 'event', instanceId: `instance ${turn}` });
  await expect.poll(() => byOther.length, { timeout: 15_000 }).toBe(101);
  expect(byOther[0]).toBe('{"kind":"due","queue":"ranges"}');
  other.tell({ kind: 'changed', instanceId: 'i', webhookId: null });
  await expect.poll(() => byOne, { timeout: 15_000 }).toEqual(['{"kind":"changed","instanceId":"i","webhookId":null}']);
});

test('a node whose listening connection was cut hears again, and is told that it may have missed something', async () => {
  const { url, join } = await aDatabase();
  const [one, other] = [await join(), await join()];
  const gap = vi.fn();
  const heard = hintsOf(other);
  other.onHint((hint) => void (hint.kind === 'anything' && gap()));
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const cut = await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'pharos listener' AND datname = current_database()`,
  );
  await client.end();
  expect(cut.rowCount).toBe(2);
  await expect.poll(() => gap.mock.calls.length, { timeout: 15_000 }).toBeGreaterThan(0);
  await expect
    .poll(
      () => {
        one.tell({ kind: 'push-origins' });
        return heard.length;
      },
      { timeout: 15_000, interval: 100 },
    )
    .toBeGreaterThan(0);
});

test('what others than nodes say on the channel, or newer nodes, harms nobody', async () => {
  const { url, join } = await aDatabase();
  const node = await join();
  const heard: string[] = [];
  node.onHint((hint) => void heard.push(JSON.stringify(hint)));
  const newer = {
    from: 'newer',
    hints: [{ kind: 'due', queue: 'letters' }, { kind: 'moon' }, 5, { kind: 'push-origins' }],
  };
  const payloads = ['', 'hello', 'null', '{}', '{"from":"x","hints":"y"}', JSON.stringify(newer)];
  await withClient(url, async (client) => {
    for (const payload of payloads) await client.query('SELECT pg_notify($1, $2)', ['pharos', payload]);
  });
  await expect.poll(() => heard, { timeout: 15_000 }).toContain('{"kind":"push-origins"}');
  // What is not understood may be anything.
  expect(heard.filter((hint) => hint === '{"kind":"anything"}').length).toBeGreaterThanOrEqual(8);
  expect(heard.filter((hint) => hint !== '{"kind":"anything"}')).toEqual(['{"kind":"push-origins"}']);
});

test('a server that does not sync is warned about, and no other', async () => {
  const { url, join } = await aDatabase();
  warnings.length = 0;
  await join();
  const shown = await withClient(url, (client) => client.query<{ fsync: string }>('SHOW fsync'));
  const warning = '["database.unsafe",{"setting":"fsync","mend":"set fsync = on in postgresql.conf"}]';
  expect(warnings).toEqual(shown.rows[0]?.fsync === 'off' ? [warning] : []);
});

test('one node leads at a time, and what it led is free when it leaves', async () => {
  const { join } = await aDatabase();
  const [one, other] = [await join(), await join()];
  const leads = await Promise.all([one, other, one, other].map((node) => node.leads('retention')));
  expect(leads.filter(Boolean)).toHaveLength(2);
  const [leader, follower] = leads[0] ? [one, other] : [other, one];
  expect(await leader.leads('retention')).toBe(true);
  expect(await follower.leads('retention')).toBe(false);
  expect(await follower.leads('expiry-watch')).toBe(true);
  await leader.leave();
  expect(await follower.leads('retention')).toBe(true);
});

test('what a node led that was killed is free once it is gone', async () => {
  const { join, url } = await aDatabase();
  const node = await join();
  const killed = (id: string, ageMs: number) => `
    INSERT INTO nodes (id, roles, master_keys, started_at, seen_at) VALUES ('${id}', '{}', '{}', 0, pharos_now() - ${ageMs});
    INSERT INTO leaderships (task, node_id, until) VALUES ('retention', '${id}', pharos_now() + 60000)
      ON CONFLICT (task) DO UPDATE SET node_id = excluded.node_id`;
  await withClient(url, (client) => client.query(killed('00000000-0000-4000-8000-000000000001', 5_000)));
  expect(await node.leads('retention')).toBe(false);
  await withClient(url, (client) => client.query(killed('00000000-0000-4000-8000-000000000002', 20_000)));
  expect(await node.leads('retention')).toBe(true);
});

test('a node knows how many have a role, and which master keys they have', async () => {
  const { join } = await aDatabase();
  await join(['k1', 'k2']);
  await join(['k1'], ['api']);
  const last = await join(['k1', 'k2']);
  expect([last.nodesWith('webhooks'), last.nodesWith('api'), last.nodesWith('fan-out')]).toEqual([2, 1, 1]);
  expect([await last.everyNode('knows', 'k2'), await last.everyNode('seals-with', 'k1')]).toEqual([false, true]);
});

test('of nodes with master keys of their own only the first one joins', async () => {
  const { join } = await aDatabase();
  const joined = await Promise.allSettled([join(['k1']), join(['k2']), join(['k3'])]);
  expect(joined.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
  await expect(join(['k4'])).rejects.toThrow('another node of this database has other master keys');
});
