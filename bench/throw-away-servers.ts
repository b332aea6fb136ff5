import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePackages, isRoot } from '../test/support/ensure-packages.ts';
import { waitFor } from '../test/support/wait-for.ts';

/** Redis and PostgreSQL with folders and sockets of their own. Both are Debian's, and write to disk what they confirm. */
export interface ThrowAwayServers {
  /** Path of the socket. */
  readonly redis: string;
  /** `host` of a connection string: the folder of the socket. The user is `postgres`, without a password. */
  readonly postgres: string;
  readonly remove: () => Promise<void>;
}

const redisServer = '/usr/bin/redis-server';
const postgresVersions = '/usr/lib/postgresql';

/** Installs them when they are missing. Redis is ready then; PostgreSQL listens, and may refuse for a moment. */
export async function startThrowAwayServers(): Promise<ThrowAwayServers> {
  ensurePackages('the benchmarks of webhooks', {
    'redis-server': () => existsSync(redisServer),
    postgresql: () => postgresPrograms() !== undefined,
  });
  const programs = postgresPrograms() ?? '';
  // PostgreSQL does not run as root.
  const owner = isRoot() ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  const folder = mkdtempSync(join(tmpdir(), 'pharos-bench-'));
  const [redis, postgres] = ['redis', 'postgres'].map((name) => join(folder, name)) as [string, string];
  for (const part of [redis, postgres]) mkdirSync(part);
  if (owner.uid !== undefined) for (const part of [folder, postgres]) chownSync(part, owner.uid, owner.gid);

  const socket = join(redis, 'socket');
  const data = join(postgres, 'data');
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust'], { ...owner, stdio: 'ignore' });
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const children = [
    spawn(redisServer, ['--port', '0', '--unixsocket', socket, '--dir', redis, ...durable], { stdio: 'ignore' }),
    spawn(join(programs, 'postgres'), ['-D', data, '-k', postgres, '-h', ''], { ...owner, stdio: 'ignore' }),
  ];
  // Also after an error that nobody expects, or when somebody has waited enough.
  process.once('exit', () => children.forEach((child) => child.kill('SIGINT')));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  await waitFor('Redis and PostgreSQL', () => existsSync(socket) && existsSync(join(postgres, '.s.PGSQL.5432')));
  return {
    redis: socket,
    postgres,
    async remove() {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          child.kill('SIGINT'); // For both: end now, whoever is connected.
          await once(child, 'exit');
        }),
      );
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const idOf = (which: '-u' | '-g'): number => Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }));

/** Of the newest version. */
function postgresPrograms(): string | undefined {
  if (!existsSync(postgresVersions)) return undefined;
  const newestFirst = readdirSync(postgresVersions).toSorted((one, other) => Number(other) - Number(one));
  return newestFirst
    .map((version) => join(postgresVersions, version, 'bin'))
    .find((programs) => existsSync(join(programs, 'initdb')));
}
