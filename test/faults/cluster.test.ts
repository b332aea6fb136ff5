import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startPostgres } from '../support/postgres-cluster.ts';
import { waitFor } from '../support/wait-for.ts';
import { createCustomer } from './customer.ts';
import { viewDatabase } from './database-view.ts';
import type { ClusterNode, FaultCluster } from './fault-cluster.ts';
import { startFaultCluster, terminateConnections } from './fault-cluster.ts';
import { interposer } from './fault-server.ts';
import { startFeedReader } from './feed-reader.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { chosenBy, readSeed } from './seeded.ts';
import { makeSmallDisk } from './small-disk.ts';
import { startTraffic } from './traffic.ts';

/** Ten are a soak. */
const rounds = Number(process.env['FAULT_ROUNDS'] ?? 1);
const hourMs = 3_600_000;
const firstDevices = 60;
const diskMegabytes = 256;

/** One thing that happens while everything goes on; ends when it is over, with every node running. */
type Disturbance = (cluster: FaultCluster, node: ClusterNode) => Promise<void>;

const disk = makeSmallDisk(diskMegabytes);

const disturbances: Readonly<Record<string, Disturbance>> = {
  'a node is killed': async (cluster, { pharos }) => {
    await pharos.kill();
    await cluster.noteDisturbance();
    await delay(1_000);
    await pharos.start();
  },
  'the database is killed and started': ({ postgres }) => postgres.restart('immediate'),
  'all connections are cut': ({ postgres }) => terminateConnections(postgres),
  'a node can neither reach the database nor see that it cannot': async (_cluster, { wire }) => {
    wire.freeze();
    await delay(20_000);
    wire.thaw();
  },
  'nobody can reach the database': async ({ nodes }) => {
    for (const { wire } of nodes) wire.freeze();
    await delay(3_000);
    for (const { wire } of nodes) {
      wire.cut();
      wire.thaw();
    }
  },
  "the database's disk is full": async ({ postgres, nodes: [first] }) => {
    if (!first) return;
    disk.fill(first.pharos);
    await delay(3_000);
    disk.free(first.pharos);
    // It may have ended itself: without space for its log it cannot go on.
    await postgres.restart('fast');
  },
};

test(
  'four nodes lose nothing, whatever happens to them and their database, and are well again by themselves',
  async () => {
    const seed = readSeed();
    console.log(`FAULT_SEED=${seed} FAULT_ROUNDS=${rounds}`);
    onTestFinished(() => disk.remove());
    const cluster = await startFaultCluster(seed, {
      nodes: 4,
      postgres: await startPostgres({ parentFolder: disk.folder }),
      // Its clock is an hour ahead.
      lastNode: { nodeOptions: interposer('jump', { at: '0', by: String(hourMs) }) },
    });
    onTestFinished(() => cluster.close());
    const { server, nodes } = cluster;
    const customer = await createCustomer(server, seed);
    const feed = await startFeedReader(server, customer);
    await Promise.all(
      Array.from({ length: firstDevices }, (_, index) => customer.registerDevice(`user ${index % 20}`)),
    );
    const traffic = startTraffic(customer, seed);
    for (let round = 0; round < rounds; round++) {
      for (const [what, disturb] of Object.entries(disturbances)) {
        await delay(chosenBy(2_000, seed, round, what));
        const node = nodes[chosenBy(nodes.length, seed, round, what, 'node')];
        if (!node) throw new Error('there is no such node');
        await cluster.noteDisturbance();
        await disturb(cluster, node);
        await cluster.noteDisturbance();
        await everyNodeIsReady(nodes);
      }
    }
    await traffic.stop();
    await waitUntilIdle(server);
    const { problems, repeats, figures } = await readLedger(server, customer);
    console.log([...repeats.map((what) => `repeated: ${what}`), JSON.stringify(figures)].join('\n'));
    const read = await feed.finish();
    expect([...problems, ...read.problems, ...(await leakedClaims(cluster))]).toEqual([]);
    expect(read.events).toBeGreaterThan(0);
    await everyNodeIsReady(nodes);
  },
  600_000 + rounds * 300_000,
);

const everyNodeIsReady = async (nodes: readonly ClusterNode[]): Promise<void> => {
  for (const { pharos } of nodes) {
    await waitFor(
      `${pharos.origin} to be ready`,
      () =>
        fetch(`${pharos.origin}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      60_000,
    );
  }
};

async function leakedClaims({ server }: FaultCluster): Promise<readonly string[]> {
  const view = await viewDatabase(server.pharos);
  const rows = await view.all(
    `SELECT 'ranges' AS what, count(*) AS claims FROM ranges UNION ALL
     SELECT 'deliveries', count(*) FROM deferred_deliveries UNION ALL SELECT 'messages', count(*) FROM message_queue`,
  );
  await view.close();
  return rows
    .filter(({ claims }) => Number(claims) > 0)
    .map(({ what, claims }) => `${String(what)}: ${String(claims)} are still claimed`);
}
