import { afterAll, beforeAll, expect, test } from 'vitest';
import { storage } from '../support/storage.ts';
import { waitFor } from '../support/wait-for.ts';
import { crashPoints } from './crash-points.ts';
import { createCustomer } from './customer.ts';
import type { FaultServer } from './fault-server.ts';
import { startFaultServer } from './fault-server.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { readSeed } from './seeded.ts';

const seed = readSeed();
const devicesOfNobody = 130;
/** On PostgreSQL what a process claimed before it died waits until its lease ends: all wait at the same time, with a server each. */
const isShared = storage === 'sqlite';
let server: FaultServer;

beforeAll(async () => {
  console.log(`FAULT_SEED=${seed}`);
  if (isShared) server = await startFaultServer(seed);
});
afterAll(() => (isShared ? server.close() : undefined));

test.for(crashPoints)(
  'killed $name',
  { concurrent: !isShared },
  async ({ nodeOptions, provoke }, { onTestFinished }) => {
    const killed = isShared ? server : await startFaultServer(seed);
    if (!isShared) onTestFinished(() => killed.close());
    const customer = await createCustomer(killed, seed);
    await Promise.all([
      ...['anna', 'anna', 'ben'].map((user) => customer.registerDevice(user)),
      ...Array.from({ length: devicesOfNobody }, () => customer.registerDevice(null)),
    ]);
    if (nodeOptions) await killed.restart({ nodeOptions });
    const provoked = provoke(killed, customer);
    await killed.restartAfterKill();
    await provoked;
    const publish = () => customer.publish(['anna', 'ben'], { webhook: true });
    await waitFor('a publish to be answered', async () => (await publish()).publishId);
    await waitUntilIdle(killed);
    const { problems, figures } = await readLedger(killed, customer);
    expect(problems).toEqual([]);
    expect(figures['publishesAnswered']).toBeGreaterThan(0);
  },
);
