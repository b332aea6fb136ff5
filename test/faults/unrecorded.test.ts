import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { createCustomer } from './customer.ts';
import { startFaultServer } from './fault-server.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { prepareOutage } from './storage-outage.ts';

/** The storage takes nothing from the moment on in which something is on its way, whose outcome can then not be written. */
async function worldBeforeAnOutage() {
  const outage = await prepareOutage(24);
  onTestFinished(() => outage.remove());
  const server = await startFaultServer(0, outage.options);
  onTestFinished(() => server.close());
  const customer = await createCustomer(server, 0);
  for (let device = 0; device < 20; device++) await customer.registerDevice('anna');
  let begun = false;
  const beginOnce = () => {
    if (!begun) outage.begin(server.pharos);
    begun = true;
  };
  const isNotReady = async () => (await customer.send('GET', '/readyz'))?.status === 503;
  return { server, customer, outage, beginOnce, isNotReady };
}

test('pushes that were accepted while the storage took nothing are recorded once it does, and not sent again', async () => {
  const { server, customer, outage, beginOnce, isNotReady } = await worldBeforeAnOutage();
  server.pushService.watchers.add(beginOnce);
  await customer.publish(['anna']);
  await waitFor('the server to be not ready', isNotReady);
  expect(server.pushService.deliveries.length).toBeGreaterThan(0);
  outage.end(server.pharos);
  await waitUntilIdle(server);
  expect((await readLedger(server, customer)).problems).toEqual([]);
});

test('a webhook that was answered while the storage took nothing is recorded once it does, and not sent again', async () => {
  const { server, customer, outage, beginOnce, isNotReady } = await worldBeforeAnOutage();
  server.targets.watchers.add(beginOnce);
  await customer.publish(['anna'], { webhook: true });
  await waitFor('the server to be not ready', isNotReady);
  outage.end(server.pharos);
  await waitUntilIdle(server);
  expect((await readLedger(server, customer)).problems).toEqual([]);
});
