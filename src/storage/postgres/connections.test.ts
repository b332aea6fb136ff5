import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { withClient } from '../../../test/support/postgres-client.ts';
import { createMigratedDatabase } from '../../../test/support/postgres.ts';
import { Database } from './database.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { isUnavailable } from './unavailable.ts';

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (reason: unknown) => reason,
  );

function connectTo(url: string): Database {
  const database = new Database({ url, maxConnections: 1, preparedStatements: true });
  onTestFinished(() => database.close());
  return database;
}

test('a connection that has become read-only is given up for one to whoever is the primary now', async () => {
  const database = await createMigratedDatabase();
  onTestFinished(() => database.drop());
  const store = await openPostgresStore({ url: database.url });
  onTestFinished(() => store.close());
  await withClient(database.url, async (client) => {
    const name = client.escapeIdentifier(client.database ?? '');
    await client.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    // Connections keep what they began with, as those to a primary that was demoted do.
    const others = 'datname = current_database() AND pid <> pg_backend_pid()';
    await client.query(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE ${others}`);
    await expect.poll(async () => String(await failureOf(store.check()))).toContain('read-only');
    await client.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
  });
  expect(await failureOf(store.check())).toBeNull();
});

test('a database that lets nobody in is unavailable, whatever the reason, and no item is to blame', async () => {
  const { url, drop } = await createMigratedDatabase();
  onTestFinished(drop);
  const refused = connectTo(url.replace(/[^/]*$/, 'no_such_database'));
  const failures = [refused.sql.get('SELECT 1'), refused.transaction((sql) => sql.get('SELECT 1'))].map(failureOf);
  for (const failure of await Promise.all(failures)) {
    expect(failure).toMatchObject({ message: 'database "no_such_database" does not exist' });
    expect(isUnavailable(failure)).toBe(true);
  }
});

test('a connection that ends while it is handed over is an error, and not the end of the process', async () => {
  const message = (type: string, body: Buffer | string) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(4 + Buffer.byteLength(body));
    return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
  };
  // It is let in, is ready, and is ended: all in one go.
  const bye = message('E', 'SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0');
  const answer = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', 'I'), bye]);
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.write(answer)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const database = connectTo(`postgres://somebody@127.0.0.1:${(server.address() as AddressInfo).port}/some`);
  expect(isUnavailable(await failureOf(database.transaction((sql) => sql.get('SELECT 1'))))).toBe(true);
  expect(isUnavailable(await failureOf(database.sql.get('SELECT 1')))).toBe(true);
});
