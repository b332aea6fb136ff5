import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { createCustomer } from './customer.ts';
import { startFaultServer } from './fault-server.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { makeSmallDisk } from './small-disk.ts';

/** The disk fills up at the moment in which something is on its way, whose outcome can then not be written. */
async function worldOnASmallDisk() {
  const disk = makeSmallDisk(24);
  onTestFinished(() => disk.remove());
  const server = await startFaultServer(0, { parentFolder: disk.folder, storedIn: 'sqlite' });
  onTestFinished(() => server.close());
  const customer = await createCustomer(server, 0);
  for (let device = 0; device < 20; device++) await customer.registerDevice('anna');
  let filled = false;
  const fillOnce = () => {
    if (!filled) disk.fill(server.pharos);
    filled = true;
  };
  const isFull = async () => (await customer.send('GET', '/readyz'))?.status === 503;
  return { server, customer, disk, fillOnce, isFull };
}

test('pushes that were accepted while the disk was full are recorded once it has room, and not sent again', async () => {
  const { server, customer, disk, fillOnce, isFull } = await worldOnASmallDisk();
  server.pushService.watchers.add(fillOnce);
  await customer.publish(['anna']);
  await waitFor('a full disk', isFull);
  expect(server.pushService.deliveries.length).toBeGreaterThan(0);
  disk.free(server.pharos);
  await waitUntilIdle(server);
  expect((await readLedger(server, customer)).problems).toEqual([]);
});

test('a webhook that was answered while the disk was full is recorded once it has room, and not sent again', async () => {
  const { server, customer, disk, fillOnce, isFull } = await worldOnASmallDisk();
  server.targets.watchers.add(fillOnce);
  await customer.publish(['anna'], { webhook: true });
  await waitFor('a full disk', isFull);
  disk.free(server.pharos);
  await waitUntilIdle(server);
  expect((await readLedger(server, customer)).problems).toEqual([]);
});
