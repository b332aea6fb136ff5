import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import type { EntryArgument } from './pharos-entry.ts';
import { createMigratedDatabase } from './postgres.ts';
import { programEnvironment } from './program-environment.ts';
import type { Routes } from './routed-network.ts';
import type { StorageName } from './storage.ts';
import { storage } from './storage.ts';
import type { TestAuthority } from './test-authority.ts';
import type { TlsFront } from './tls-front.ts';
import { waitFor } from './wait-for.ts';

/** The real server in a process of its own, which may be killed and started again on the same data and port. */
export interface PharosProcess {
  /** `http://localhost:<port>` */
  readonly origin: string;
  readonly port: number;
  readonly dataDir: string;
  /** Null: the database is in the data folder. */
  readonly databaseUrl: string | null;
  /** Of the process that runs now. */
  readonly pid: () => number;
  /** Everything that it has printed so far, all starts together. */
  readonly output: () => string;
  /** Calls the admin API at `/admin/v1<path>`; throws unless it answers 2xx. */
  readonly admin: (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;
  /** Rejects when the process ends before it is ready. */
  readonly start: (launch?: Launch) => Promise<void>;
  /** SIGKILL: nothing is said good-bye to. */
  readonly kill: () => Promise<void>;
  /** Sends SIGKILL and does not wait. */
  readonly strike: () => void;
  /** Waits until the process has ended by itself or by `strike`; answers its signal. */
  readonly ended: () => Promise<NodeJS.Signals | null>;
  /** One more process with the same settings. */
  readonly startRival: () => Rival;
  /** SIGTERM; answers the exit code. */
  readonly stop: () => Promise<number | null>;
  /** Kills it if it still runs, and removes its data. */
  readonly remove: () => Promise<void>;
}

export interface Rival {
  readonly strike: () => void;
  readonly ended: Promise<{ readonly signal: NodeJS.Signals | null; readonly output: string }>;
}

/** How one start differs from the others. */
export interface Launch {
  /** Words before Node's path, such as a tracer that replaces itself by Node. */
  readonly prefix?: readonly string[];
  readonly nodeOptions?: readonly string[];
}

interface PharosOptions {
  readonly authority: Pick<TestAuthority, 'certificate'>;
  /** The only hosts that this server can reach. Left out: it is `pharos serve` itself, with the network as it is. */
  readonly fronts?: readonly TlsFront[];
  /** With `fronts`: every other host is reached over the network as it is. */
  readonly reachesOthers?: boolean;
  /** `PHAROS_…` variables beside host, port and data folder. */
  readonly settings?: Readonly<Record<string, string>>;
  /** By default what the run has. Tests that look into the file, or fill the disk that it is on, say `sqlite`. */
  readonly storedIn?: StorageName;
  /** In place of the real ones; only with `fronts`. */
  readonly webhookRetryDelaysMs?: readonly number[];
  readonly webhookBreakerPausesMs?: readonly number[];
  readonly pushGiveUpAfterMs?: number;
  readonly credentialsPauseMs?: number;
  /** Folder of a package of the server that runs in place of the sources; only with `fronts`. */
  readonly installed?: string;
  /** Path of the Node to run it with; by default the one that runs the test. */
  readonly node?: string;
  /** Standard output goes to a file beside the data folder, and nobody spends time on reading it. */
  readonly logsToFile?: boolean;
  /** Where the data folder is made; it is left there, empty. */
  readonly parentFolder?: string;
  /** How each start is made that does not say otherwise. */
  readonly everyLaunch?: Launch;
}

/** Starts the server on a fresh data folder and waits until it is ready. */
export async function startPharosProcess({
  authority,
  fronts,
  reachesOthers = false,
  settings = {},
  storedIn = storage,
  webhookRetryDelaysMs,
  webhookBreakerPausesMs,
  pushGiveUpAfterMs,
  credentialsPauseMs,
  installed,
  node = process.execPath,
  logsToFile = false,
  parentFolder = tmpdir(),
  everyLaunch = {},
}: PharosOptions): Promise<PharosProcess> {
  const folder = mkdtempSync(join(parentFolder, 'pharos-test-'));
  const dataDir = join(folder, 'data');
  const authorityFile = join(folder, 'authority.pem');
  writeFileSync(authorityFile, authority.certificate);
  const logFile = logsToFile ? openSync(join(folder, 'log'), 'a') : null;
  const told = { installed, webhookRetryDelaysMs, webhookBreakerPausesMs, pushGiveUpAfterMs, credentialsPauseMs };
  const program = fronts
    ? ['pharos-entry.ts', JSON.stringify({ routes: routesTo(fronts), reachesOthers, ...told } satisfies EntryArgument)]
    : ['../../src/cli/pharos.ts', 'serve'];
  const database =
    storedIn === 'postgres' && settings['PHAROS_DATABASE_URL'] === undefined ? await createMigratedDatabase() : null;
  const databaseUrl = settings['PHAROS_DATABASE_URL'] ?? database?.url ?? null;
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  let output = '';
  let running: ChildProcess | null = null;
  if (process.env['VITEST']) await afterFailure(() => console.log(`The server printed last:\n${output.slice(-8_000)}`));

  function launch({ prefix = [], nodeOptions = [] }: Launch) {
    const [script = '', ...args] = program;
    const words = [...prefix, node, ...nodeOptions, join(import.meta.dirname, script), ...args];
    return spawn(words[0] ?? node, words.slice(1), {
      stdio: ['ignore', logFile ?? 'pipe', 'pipe'],
      env: {
        ...programEnvironment(),
        NODE_EXTRA_CA_CERTS: authorityFile,
        PHAROS_HOST: '127.0.0.1',
        PHAROS_PORT: String(port),
        PHAROS_DATA_DIR: dataDir,
        ...(databaseUrl !== null && { PHAROS_DATABASE_URL: databaseUrl }),
        ...settings,
      },
    });
  }

  async function start(how: Launch = everyLaunch): Promise<void> {
    const child = launch(how);
    running = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await waitFor('the server to be ready', () => {
      if (hasEnded(child))
        throw new Error(`the server ended with ${child.exitCode ?? child.signalCode}:\n${output.slice(-4_000)}`);
      return isReady(origin);
    }).catch((error: unknown) => {
      if (hasEnded(child)) throw error;
      // Nobody has it yet who could end it.
      child.kill('SIGKILL');
      throw new Error(`the server is not ready:\n${output.slice(-4_000)}`, { cause: error });
    });
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const child = running;
    if (!child) return null;
    child.kill(signal);
    if (!hasEnded(child)) await once(child, 'exit');
    running = null;
    return child.exitCode;
  }

  // A benchmark that fails leaves no server behind.
  const strike = (): void => void running?.kill('SIGKILL');
  process.once('exit', strike);
  await start();
  return {
    origin,
    port,
    dataDir,
    databaseUrl,
    pid: () => running?.pid ?? Number.NaN,
    output: () => output,
    async admin(method, path, body) {
      const tokenFile = settings['PHAROS_ADMIN_TOKEN_FILE'] ?? join(dataDir, 'admin-token');
      const token = readFileSync(tokenFile, 'utf8').trim();
      const response = await fetch(`${origin}/admin/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} /admin/v1${path} answered ${response.status}: ${text}`);
      return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    },
    start,
    kill: async () => void (await end('SIGKILL')),
    strike,
    async ended() {
      if (running && !hasEnded(running)) await once(running, 'exit');
      return running?.signalCode ?? null;
    },
    startRival() {
      const rival = launch(everyLaunch);
      const chunks: Buffer[] = [];
      for (const stream of [rival.stdout, rival.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
      const ended = once(rival, 'close').then(() => ({
        signal: rival.signalCode,
        output: Buffer.concat(chunks).toString(),
      }));
      return { strike: () => void rival.kill('SIGKILL'), ended };
    },
    stop: () => end('SIGTERM'),
    async remove() {
      await end('SIGKILL');
      process.off('exit', strike);
      await database?.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Of a test that fails once in many runs there is nothing else to learn from. The demo starts a server without vitest. */
async function afterFailure(tell: () => void): Promise<void> {
  const { TestRunner, onTestFailed } = await import('vitest');
  if (TestRunner.getCurrentTest()) onTestFailed(tell);
}

const routesTo = (fronts: readonly TlsFront[]): Routes =>
  Object.fromEntries(fronts.flatMap(({ hosts, port }) => hosts.map((host) => [host, port])));

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

const isReady = (origin: string): Promise<boolean> =>
  fetch(`${origin}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
