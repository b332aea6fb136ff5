import { afterAll, beforeAll, expect, test } from 'vitest';
import { crashPoints } from './crash-points.ts';
import { createCustomer } from './customer.ts';
import type { FaultServer } from './fault-server.ts';
import { startFaultServer } from './fault-server.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { readSeed } from './seeded.ts';

const seed = readSeed();
const devicesOfNobody = 130;
let server: FaultServer;

beforeAll(async () => {
  console.log(`FAULT_SEED=${seed}`);
  server = await startFaultServer(seed);
});
afterAll(() => server.close());

test.each(crashPoints)('killed $name', async ({ nodeOptions, provoke }) => {
  const customer = await createCustomer(server, seed);
  await Promise.all([
    ...['anna', 'anna', 'ben'].map((user) => customer.registerDevice(user)),
    ...Array.from({ length: devicesOfNobody }, () => customer.registerDevice(null)),
  ]);
  if (nodeOptions) await server.restart({ nodeOptions });
  const provoked = provoke(server, customer);
  await server.restartAfterKill();
  await provoked;
  await customer.publish(['anna', 'ben'], { webhook: true });
  await waitUntilIdle(server);
  const { problems, figures } = await readLedger(server, customer);
  expect(problems).toEqual([]);
  expect(figures['publishesAnswered']).toBeGreaterThan(0);
});
