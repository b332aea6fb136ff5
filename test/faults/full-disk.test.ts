import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import type { Answered } from './customer.ts';
import { createCustomer } from './customer.ts';
import { startFaultServer } from './fault-server.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { readSeed } from './seeded.ts';
import { makeSmallDisk } from './small-disk.ts';
import { startTraffic } from './traffic.ts';

const publishesBefore = 40;
const maxRequests = 2_000;
/** The ledger knows no excuse for repeats here: no lease may run out, also on a busy machine. */
const fullForMs = 5_000;
const atATime = 50;
const mayGrowByMegabytes = 100;

test.runIf(process.platform === 'linux')(
  'a disk that fills up in the middle of everything: 503, nothing lost, no restart needed',
  async () => {
    const seed = readSeed();
    const disk = makeSmallDisk(24);
    console.log(`FAULT_SEED=${seed}, ${disk.kind}`);
    onTestFinished(() => disk.remove());
    const server = await startFaultServer(seed, { parentFolder: disk.folder, storedIn: 'sqlite' });
    onTestFinished(() => server.close());
    const { pharos } = server;
    const customer = await createCustomer(server, seed);
    for (let device = 0; device < 60; device++) await customer.registerDevice(`user ${device % 20}`);
    const [device] = customer.devices;
    const traffic = startTraffic(customer, seed);
    const answered = () => customer.publishes.filter(({ publishId }) => publishId !== null);
    await waitFor('some publishes', () => answered().length >= publishesBefore);

    const pid = pharos.pid();
    disk.fill(pharos);
    await waitFor('the server to be not ready', async () => isRefusal(await customer.send('GET', '/readyz')));
    const base = `/device_api/v1/instances/${customer.instanceId}/devices/web`;
    const report = {
      event: 'open',
      publishId: answered()[0]?.publishId,
      deviceId: device?.deviceId,
      timestampSecs: Math.floor(Date.now() / 1000),
    };
    const requests: Parameters<typeof customer.send>[] = [
      ['PUT', `${base}/${device?.deviceId}/interests`, { interests: ['something'] }],
      ['POST', `/reporting_api/v2/instances/${customer.instanceId}/events`, report],
    ];
    const before = residentMegabytes(pid);
    let sent = 0;
    let refused = 0;
    for (const end = performance.now() + fullForMs; sent < maxRequests && performance.now() < end; sent += atATime) {
      const batch = Array.from({ length: atATime / requests.length }, () => requests).flat();
      const answers = await Promise.all(batch.map((request) => customer.send(...request)));
      const refusals = answers.filter(isRefusal);
      // A small commit may still find room in the part of the write-ahead log that is used again.
      expect(answers.filter((answer) => !refusals.includes(answer) && answer?.status !== 200)).toEqual([]);
      refused += refusals.length;
    }
    expect(refused).toBeGreaterThan(sent / 2);
    await waitFor('a publish to be refused', async () => (await customer.publish(['user 1'])).refused);
    expect(residentMegabytes(pid) - before).toBeLessThan(mayGrowByMegabytes);

    disk.free(pharos);
    await customer.serverIsUp();
    const afterwards = answered().length;
    await waitFor('publishes to be accepted again', () => answered().length > afterwards + 10);
    await traffic.stop();
    await waitUntilIdle(server);
    expect(pharos.pid()).toBe(pid);
    const { problems, figures } = await readLedger(server, customer);
    console.log(JSON.stringify(figures));
    expect(problems).toEqual([]);
  },
  400_000,
);

/** 503 as Beams' clients and load balancers understand it. */
function isRefusal(answer: Answered): boolean {
  if (answer?.status !== 503) return false;
  const { error, description } = JSON.parse(answer.text) as Record<string, unknown>;
  expect([typeof error, typeof description]).toEqual(['string', 'string']);
  expect(answer.text.endsWith('\n')).toBe(true);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  return true;
}

const residentMegabytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
