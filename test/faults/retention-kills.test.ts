import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { createCustomer } from './customer.ts';
import { interposer, startFaultServer } from './fault-server.ts';
import { waitUntilIdle } from './ledger.ts';

const muchLater = interposer('later', { days: '1000' });
const tables = ['attempts', 'messages', 'publishes', 'publish_users', 'events'];

test('killed while it deletes what is older than the retention, it deletes the rest and nothing else', async () => {
  const server = await startFaultServer(0, { storedIn: 'sqlite' });
  onTestFinished(() => server.close());
  const { pharos, pushService } = server;
  const customer = await createCustomer(server, 0);
  for (const user of ['anna', 'ben', null]) await customer.registerDevice(user);
  for (let publish = 0; publish < 5; publish++) await customer.publish(['anna', 'ben'], { webhook: true });
  await waitUntilIdle(server);
  const rows = countRows(pharos.dataDir);
  const points = [
    ['before', 'messages'],
    // In the middle of a step: its messages, events and reports are deleted by then.
    ['during', 'publishes'],
    ['before', 'publishes'],
    ['after', 'messages'],
  ] as const;
  const left: number[] = [];
  for (const [when, table] of points) {
    pharos.strike();
    await pharos.ended();
    await server.noteEnd();
    const nodeOptions = [...muchLater, ...interposer('kill-at-commit', { table, when })];
    await pharos.start({ nodeOptions }).catch(() => null); // it may die before it is ready
    expect(await pharos.ended()).toBe('SIGKILL');
    left.push(countRows(pharos.dataDir));
  }
  // A step that was not committed has deleted nothing.
  expect(left.slice(0, 2)).toEqual([rows, rows]);
  await server.restartAfterKill({ nodeOptions: muchLater });
  await waitFor('all that is old to be gone', () => countRows(pharos.dataDir) === 0);

  const before = pushService.deliveries.length;
  await customer.publish(null);
  await waitUntilIdle(server);
  expect(pushService.deliveries.length - before).toBe(customer.devices.length);
});

function countRows(dataDir: string): number {
  const db = new DatabaseSync(join(dataDir, 'pharos.db'), { readOnly: true });
  const count = db.prepare(`SELECT ${tables.map((name) => `(SELECT count(*) FROM ${name})`).join(' + ')} AS rows`);
  const { rows } = count.get() as { readonly rows: number };
  db.close();
  return rows;
}
