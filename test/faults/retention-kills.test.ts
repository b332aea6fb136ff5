import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { storage } from '../support/storage.ts';
import { waitFor } from '../support/wait-for.ts';
import { createCustomer } from './customer.ts';
import { viewDatabase } from './database-view.ts';
import { interposer, startFaultServer } from './fault-server.ts';
import { waitUntilIdle } from './ledger.ts';

const days = 1_000;
const tables = ['attempts', 'messages', 'publishes', 'publish_users', 'events'];
const countRows = `SELECT ${tables.map((name) => `(SELECT count(*) FROM ${name})`).join(' + ')} AS rows`;

interface OfStorage {
  /** Node's options for `days` later. */
  readonly nodeOptions: readonly string[];
  /** Makes it `days` later for all, as far as options do not. */
  readonly pass: string | null;
  /** Lets the next process go on at once with what the killed one did. */
  readonly free: string | null;
  /** Where it is killed; until it has come to the third, nothing is deleted. */
  readonly points: readonly (readonly ['before' | 'during' | 'after', string])[];
}
const ofStorage: OfStorage = {
  sqlite: {
    nodeOptions: interposer('later', { days: String(days) }),
    pass: null,
    free: null,
    points: [
      ['before', 'messages'],
      // In the middle of a step: its messages, events and reports are deleted by then.
      ['during', 'publishes'],
      ['before', 'publishes'],
      ['after', 'messages'],
    ],
  } as const,
  postgres: {
    nodeOptions: [],
    // Nodes go by the clock of the database.
    pass: `CREATE OR REPLACE FUNCTION pharos_now() RETURNS BIGINT LANGUAGE sql STABLE PARALLEL SAFE
      AS 'SELECT (extract(epoch FROM statement_timestamp()) * 1000)::bigint + ${days * 86_400_000}'`,
    free: 'DELETE FROM leaderships',
    points: [
      ['before', String.raw`(reports|events|messages|attempts)_\d+_\d+_\d+`],
      ['during', String.raw`(reports|events|messages|attempts)_\d+_\d+_\d+`],
      ['after', String.raw`messages_\d+_\d+_\d+`],
      ['during', 'publishes'],
      ['before', 'publishes'],
    ],
  } as const,
}[storage];

test('killed while it deletes what is older than the retention, it deletes the rest and nothing else', async () => {
  const database = storage === 'postgres' ? await createTestDatabase() : null;
  onTestFinished(async () => database?.drop());
  const server = await startFaultServer(0, database ? { databaseUrl: database.url } : {});
  onTestFinished(() => server.close());
  const { pharos, pushService } = server;
  const customer = await createCustomer(server, 0);
  for (const user of ['anna', 'ben', null]) await customer.registerDevice(user);
  for (let publish = 0; publish < 5; publish++) await customer.publish(['anna', 'ben'], { webhook: true });
  await waitUntilIdle(server);
  const view = await viewDatabase(pharos);
  onTestFinished(() => view.close());
  const count = async (): Promise<number> => Number((await view.all(countRows))[0]?.['rows']);
  const rows = await count();
  const { nodeOptions, pass, free, points } = ofStorage;
  const left: number[] = [];
  for (const [when, table] of points) {
    pharos.strike();
    await pharos.ended();
    await server.noteEnd();
    if (pass !== null) await view.all(pass);
    if (free !== null) await view.all(free);
    const killing = [...nodeOptions, ...interposer('kill-at-commit', { table, when })];
    await pharos.start({ nodeOptions: killing }).catch(() => null); // it may die before it is ready
    expect(await pharos.ended()).toBe('SIGKILL');
    left.push(await count());
  }
  // A step that was not committed has deleted nothing.
  expect(left.slice(0, 2)).toEqual([rows, rows]);
  if (free !== null) await view.all(free);
  await server.restartAfterKill({ nodeOptions });
  await waitFor('all that is old to be gone', async () => (await count()) === 0);

  const before = pushService.deliveries.length;
  await customer.publish(null);
  await waitUntilIdle(server);
  expect(pushService.deliveries.length - before).toBe(customer.devices.length);
});
