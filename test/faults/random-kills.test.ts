import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createCustomer } from './customer.ts';
import { startFaultServer } from './fault-server.ts';
import { startFeedReader } from './feed-reader.ts';
import { readHeldDeliveries } from './held-deliveries.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { chosenBy, readSeed } from './seeded.ts';
import { startTraffic } from './traffic.ts';

/** Each costs seconds: the older Node shows with a few that nothing depends on the newer one; `npm run test:soak` has 1,000. */
const kills = Number(process.env['FAULT_KILLS'] ?? (process.versions.node.startsWith('22.') ? 5 : 30));
/** One run in five is longer than whole pages wait for their answers, on a busy machine too: they are parked, and their range goes on. */
const longestRunMs = (kill: number): number => (kill % 5 === 0 ? 3_000 : 800);
const firstDevices = 130;

test(
  `killed ${kills} times at random, it loses nothing and repeats only what was in flight`,
  async () => {
    const seed = readSeed();
    console.log(`FAULT_SEED=${seed} FAULT_KILLS=${kills}`);
    const server = await startFaultServer(seed);
    onTestFinished(() => server.close());
    const customer = await createCustomer(server, seed);
    const feed = await startFeedReader(server, customer);
    await Promise.all(
      Array.from({ length: firstDevices }, (_, index) => customer.registerDevice(`user ${index % 40}`)),
    );
    const traffic = startTraffic(customer, seed);
    const held: ReadonlyMap<string, number>[] = [];
    for (let kill = 1; kill <= kills; kill++) {
      await delay(chosenBy(longestRunMs(kill), seed, 'kill', kill));
      server.pharos.strike();
      await server.pharos.ended();
      held.push(await readHeldDeliveries(server.pharos));
      await server.restartAfterKill();
    }
    await traffic.stop();
    await waitUntilIdle(server);
    const { problems, repeats, figures } = await readLedger({ ...server, held }, customer);
    console.log([...repeats.map((what) => `repeated: ${what}`), JSON.stringify(figures)].join('\n'));
    const read = await feed.finish();
    expect([...problems, ...read.problems]).toEqual([]);
    expect(read.events).toBeGreaterThan(0);
    // One message in six is; a few kills of a busy machine leave time for few messages.
    expect(figures['exhausted'] ?? 0).toBeGreaterThanOrEqual((figures['messages'] ?? 0) > 200 ? 1 : 0);
  },
  300_000 + kills * 15_000,
);
