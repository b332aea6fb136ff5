import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createCustomer } from './customer.ts';
import { startFaultServer } from './fault-server.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { chosenBy, readSeed } from './seeded.ts';

const rounds = 3;
const startsAtATime = 3;
const inUse = /in use by another Pharos server \(process (\d+|unknown)\)/;

test('of processes that start at once on one data folder one serves, however they are killed', async () => {
  const seed = readSeed();
  console.log(`FAULT_SEED=${seed}`);
  const server = await startFaultServer(seed, { storedIn: 'sqlite' });
  onTestFinished(() => server.close());
  const { pharos } = server;
  const customer = await createCustomer(server, seed);
  await customer.registerDevice('anna');
  for (let round = 1; round <= rounds; round++) {
    await customer.publish(['anna'], { webhook: true });
    pharos.strike();
    await pharos.ended();
    await server.noteEnd();
    const rivals = Array.from({ length: startsAtATime }, () => pharos.startRival());
    await delay(chosenBy(2_000, seed, round));
    for (const rival of rivals) rival.strike();
    const ends = await Promise.all(rivals.map(({ ended }) => ended));
    // Struck, or it has found the folder taken and said by whom.
    const others = ends.filter(({ signal, output }) => signal !== 'SIGKILL' && !inUse.test(output));
    expect(others).toEqual([]);
    await server.restartAfterKill();
    const rival = await pharos.startRival().ended;
    expect(rival.signal).toBeNull();
    expect(rival.output).toContain(`in use by another Pharos server (process ${pharos.pid()})`);
  }
  await customer.publish(['anna'], { webhook: true });
  await waitUntilIdle(server);
  const { problems, figures } = await readLedger(server, customer);
  console.log(JSON.stringify(figures));
  expect(problems).toEqual([]);
}, 400_000);
