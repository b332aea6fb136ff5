import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createNetworkNamespace } from '../support/network-namespace.ts';
import { startPostgres } from '../support/postgres-cluster.ts';
import { waitFor } from '../support/wait-for.ts';
import { createCustomer } from './customer.ts';
import { viewDatabase } from './database-view.ts';
import { startFaultCluster } from './fault-cluster.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { readSeed } from './seeded.ts';
import { startTraffic } from './traffic.ts';

const listClaims = `SELECT claim_token FROM message_queue WHERE claim_token IS NOT NULL
  UNION ALL SELECT claim_token FROM ranges WHERE claim_token IS NOT NULL
  UNION ALL SELECT claim_token FROM deferred_deliveries WHERE claim_token IS NOT NULL`;

/**
 * The database in a network of its own, with a wire to each of two nodes. What both send is stored where the ledger
 * reads it: an attempt that two nodes completed would be there twice, or a message would have more attempts than rows.
 */
test('a node that is cut off for longer than its leases completes nothing that another one has done', async () => {
  const seed = readSeed();
  console.log(`FAULT_SEED=${seed}`);
  const network = createNetworkNamespace(2);
  onTestFinished(() => network.remove());
  const postgres = await startPostgres({ prefix: network.prefix, settings: { listen_addresses: '*' } });
  const cluster = await startFaultCluster(seed, {
    nodes: 2,
    postgres,
    databaseHost: (node) => network.addresses[node] ?? '',
  });
  onTestFinished(() => cluster.close());
  const { server, nodes } = cluster;
  const [cutOff, other] = nodes;
  if (!cutOff || !other) throw new Error('there are two nodes');
  const customer = await createCustomer(server, seed);
  await Promise.all(Array.from({ length: 60 }, (_, index) => customer.registerDevice(`user ${index % 20}`)));
  const traffic = startTraffic(customer, seed);
  const view = await viewDatabase(server.pharos);
  onTestFinished(() => view.close());
  const claims = async (): Promise<ReadonlySet<string>> =>
    new Set((await view.all(listClaims)).map(({ claim_token: token }) => String(token)));
  /** What the other one would have ended by now. */
  const claimsLeftOf = async (known: ReadonlySet<string>) => [...(await claims())].filter((token) => known.has(token));
  const pullInTheMiddle = async (): Promise<ReadonlySet<string>> => {
    await delay(2_000);
    network.pull(0);
    const known = await claims();
    await delay(8_000);
    // What it was sending when it was cut off has been sent by now.
    await cluster.noteDisturbance();
    return new Set(await claimsLeftOf(known));
  };
  let held = await pullInTheMiddle();
  for (let tries = 1; held.size === 0 && tries < 5; tries++) {
    // By chance it held nothing.
    network.plug(0);
    held = await pullInTheMiddle();
  }
  expect(held.size).toBeGreaterThan(0);
  await waitFor(
    'the node to notice',
    async () => (await fetch(`${cutOff.pharos.origin}/readyz`)).status === 503,
    60_000,
  );
  await waitFor('what it held to be taken over', async () => (await claimsLeftOf(held)).length === 0, 180_000);
  expect((await fetch(`${other.pharos.origin}/readyz`)).status).toBe(200);
  await cluster.noteDisturbance();
  network.plug(0);
  await waitFor('the node to be back', async () => (await fetch(`${cutOff.pharos.origin}/readyz`)).ok, 60_000);
  await traffic.stop();
  await waitUntilIdle(server);
  const { problems, figures } = await readLedger(server, customer);
  console.log(JSON.stringify(figures));
  expect(problems).toEqual([]);
}, 600_000);
