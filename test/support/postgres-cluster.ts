import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './free-port.ts';
import type { PostgresPrograms } from './postgres-programs.ts';
import { findPostgres } from './postgres-programs.ts';
import { waitFor } from './wait-for.ts';

/** A PostgreSQL of one's own. It and its folder go with `remove`, or with the process that started it, however that ends. */
export interface PostgresCluster {
  /** Of the database `postgres`, over TCP on 127.0.0.1, as superuser without a password. */
  readonly url: string;
  /** The same over its unix socket. */
  readonly socketUrl: string;
  /** `data`, the socket and `log` are in it. */
  readonly folder: string;
  readonly port: number;
  /** Of the postmaster that runs now. */
  readonly pid: () => number;
  /** `fast` rolls back what is open and writes a checkpoint; after `immediate` the next start recovers, as after a crash. */
  readonly stop: (mode?: StopMode) => Promise<void>;
  /** Answers when it takes connections. */
  readonly start: () => Promise<void>;
  readonly restart: (mode?: StopMode) => Promise<void>;
  readonly remove: () => Promise<void>;
}

export type StopMode = 'fast' | 'immediate';

interface PostgresOptions {
  /** Where its folder is made, such as a small disk. */
  readonly parentFolder?: string;
  readonly port?: number;
  /** Words before the program; only as root. */
  readonly prefix?: readonly string[];
  /** Lines of `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** By default UTF-8, sorted as people sort. */
  readonly initdbOptions?: readonly string[];
}

/** Not bytewise, as most databases are not: it finds those who rely on the order of bytes. */
const defaultInitdbOptions = ['--encoding=UTF8', '--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en-US'];
/** Writes are synced, as in production. */
const defaultSettings = { fsync: 'on', max_connections: 200, listen_addresses: '127.0.0.1' };
const signals = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;
const prefix = 'pharos-postgres-';

/** Installs PostgreSQL where it is missing; takes about two seconds otherwise. */
export async function startPostgres({
  parentFolder = tmpdir(),
  port,
  prefix: words = [],
  settings = {},
  initdbOptions = defaultInitdbOptions,
}: PostgresOptions = {}): Promise<PostgresCluster> {
  const programs = findPostgres();
  await removeLeftovers(parentFolder);
  const folder = mkdtempSync(join(parentFolder, `${prefix}${process.pid}-`));
  const keeper = keep(folder);
  const ownPort = port ?? (await freePort());
  makeCluster(programs, folder, initdbOptions);
  const allSettings = { ...defaultSettings, unix_socket_directories: folder, port: ownPort, ...settings };
  const lines = Object.entries(allSettings).map(([name, value]) => `${name} = '${value}'\n`);
  appendFileSync(join(folder, 'data/postgresql.conf'), lines.join(''));

  const url = `postgres://postgres@127.0.0.1:${ownPort}/postgres`;
  const socketUrl = `postgres://postgres@${encodeURIComponent(folder)}:${ownPort}/postgres`;
  let running: ChildProcess | null = null;

  async function start(): Promise<void> {
    const log = openSync(join(folder, 'log'), 'a');
    const { owner } = programs;
    // Who prefixes it is root, and must not make it so.
    const asOwner = owner ? ['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'] : [];
    const [program, ...args] = [...words, ...(words.length > 0 ? asOwner : []), programs.postgres];
    const child = spawn(program ?? '', [...args, '-D', join(folder, 'data')], {
      ...(words.length === 0 && owner),
      cwd: folder,
      // Away from the terminal, so that Ctrl-C does not end it before those who use it.
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.unref();
    running = child;
    await waitFor('PostgreSQL to take connections', () => {
      if (hasEnded(child))
        throw new Error(`PostgreSQL ended:\n${readFileSync(join(folder, 'log'), 'utf8').slice(-4_000)}`);
      return takesConnections(socketUrl);
    });
  }

  async function stop(mode: StopMode = 'fast'): Promise<void> {
    const child = running;
    running = null;
    if (!child || hasEnded(child)) return;
    child.ref();
    child.kill(signals[mode]);
    await once(child, 'exit');
  }

  async function remove(): Promise<void> {
    await stop('immediate');
    keeper.ref();
    keeper.stdin?.end();
    if (!hasEnded(keeper)) await once(keeper, 'exit');
  }

  await start().catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return {
    ...{ url, socketUrl, folder, port: ownPort, start, stop, remove },
    pid: () => running?.pid ?? Number.NaN,
    async restart(mode) {
      await stop(mode);
      await start();
    },
  };
}

function makeCluster({ initdb, owner }: PostgresPrograms, folder: string, initdbOptions: readonly string[]): void {
  const data = join(folder, 'data');
  mkdirSync(data);
  if (owner) for (const path of [folder, data]) chownSync(path, owner.uid, owner.gid);
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', ...initdbOptions];
  execFileSync(initdb, args, { ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  // Where a test lets it listen is where it may be reached.
  appendFileSync(join(data, 'pg_hba.conf'), 'host all all all trust\n');
}

/** Ends PostgreSQL and removes the folder when its input ends: that is when we say so, or are no more. */
const keeperScript = `
  read -r _
  pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null)
  case "$(ps -o comm= -p "$pid" 2>/dev/null || cat "/proc/$pid/comm" 2>/dev/null)" in *postgres*) kill -QUIT "$pid" ;; esac
  for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e "$0/data/postmaster.pid" ] || break; sleep 0.2; done
  rm -rf "$0"
`;

function keep(folder: string): ChildProcess {
  const keeper = spawn('sh', ['-c', keeperScript, folder], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  keeper.unref();
  // A pipe is a socket to Node.
  (keeper.stdin as Socket).unref();
  return keeper;
}

/** Of a process whose keeper was killed too. */
async function removeLeftovers(parentFolder: string): Promise<void> {
  const left = readdirSync(parentFolder).filter((name) => name.startsWith(prefix) && !isAlive(pidOf(name)));
  for (const name of left) {
    const keeper = keep(join(parentFolder, name));
    keeper.ref();
    keeper.stdin?.end();
    await once(keeper, 'exit');
  }
}

const pidOf = (name: string): number => Number(name.slice(prefix.length).split('-')[0]);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's is alive.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function takesConnections(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false; // Not yet.
  } finally {
    await client.end().catch(() => undefined);
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
