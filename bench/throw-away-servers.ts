import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePackages } from '../test/support/ensure-packages.ts';
import { startPostgres } from '../test/support/postgres-cluster.ts';
import { waitFor } from '../test/support/wait-for.ts';

/** Redis and PostgreSQL with folders and sockets of their own. Both are Debian's, and write to disk what they confirm. */
export interface ThrowAwayServers {
  /** Path of the socket. */
  readonly redis: string;
  /** Connection string over its socket. */
  readonly postgres: string;
  readonly remove: () => Promise<void>;
}

const redisServer = '/usr/bin/redis-server';

/** Installs them when they are missing, and waits until both take connections. */
export async function startThrowAwayServers(): Promise<ThrowAwayServers> {
  ensurePackages('the benchmarks of webhooks', { 'redis-server': () => existsSync(redisServer) });
  const folder = mkdtempSync(join(tmpdir(), 'pharos-bench-'));
  const socket = join(folder, 'socket');
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const redis = spawn(redisServer, ['--port', '0', '--unixsocket', socket, '--dir', folder, ...durable], {
    stdio: 'ignore',
  });
  // Also after an error that nobody expects, or when somebody has waited enough.
  process.once('exit', () => redis.kill('SIGINT'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const postgres = await startPostgres({ initdbOptions: ['--locale=C.UTF-8'] });
  await waitFor('Redis', () => existsSync(socket));
  return {
    redis: socket,
    postgres: postgres.socketUrl,
    async remove() {
      await postgres.remove();
      if (redis.exitCode === null && redis.signalCode === null) {
        redis.kill('SIGINT');
        await once(redis, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
