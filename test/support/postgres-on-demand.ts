import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { PostgresCluster } from './postgres-cluster.ts';
import { startPostgres } from './postgres-cluster.ts';

/** Tells the processes of a run whom they ask for PostgreSQL. */
const variable = 'PHAROS_TEST_POSTGRES_SOCKET';

/** One cluster for this process and all that it starts, made when the first of them asks; answers how to end it. */
export async function offerPostgres(): Promise<() => Promise<void>> {
  // Somebody above does.
  if (process.env[variable] !== undefined || databaseUrl() !== undefined) return async () => undefined;
  const folder = mkdtempSync(join(tmpdir(), 'pharos-test-'));
  const path = join(folder, 'socket');
  let cluster: Promise<PostgresCluster> | undefined;
  const server = createServer((socket) => {
    // Nobody pulls the plug: what is written outlives processes, also those of PostgreSQL, without being synced.
    cluster ??= startPostgres({ settings: { fsync: 'off' } });
    socket.on('error', () => undefined); // Who asked has gone.
    cluster.then(
      ({ url }) => socket.end(url),
      (error: unknown) => socket.end(String(error)),
    );
  }).listen(path);
  await once(server, 'listening');
  server.unref();
  process.env[variable] = path;
  return async () => {
    delete process.env[variable];
    server.close();
    await cluster?.then((started) => started.remove());
    rmSync(folder, { recursive: true, force: true });
  };
}

/** Of a database on the run's PostgreSQL, on which databases may be created. */
export async function askForPostgres(): Promise<string> {
  const url = databaseUrl();
  if (url !== undefined) return url;
  const path = process.env[variable];
  if (path === undefined) throw new Error('nobody offers PostgreSQL here: neither `npx vitest` nor `npm test`');
  const answer = await text(createConnection(path));
  if (!answer.startsWith('postgres://')) throw new Error(`no PostgreSQL: ${answer}`);
  return answer;
}

/** Whether the server is somebody's who goes on using it. */
export const isServerGiven = (): boolean => databaseUrl() !== undefined;

const databaseUrl = (): string | undefined => process.env['PHAROS_TEST_DATABASE_URL'] || undefined;
