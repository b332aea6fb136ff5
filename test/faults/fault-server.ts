import { setImmediate } from 'node:timers/promises';
import type { Launch, PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import type { StorageName } from '../support/storage.ts';
import type { TestAuthority } from '../support/test-authority.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';
import type { CountingPushService } from './counting-push-service.ts';
import { createCountingPushService } from './counting-push-service.ts';
import type { FailingTargets } from './failing-targets.ts';
import { createFailingTargets } from './failing-targets.ts';

/** The real server as a process that is killed and started again, and the world around it, which survives. */
export interface FaultServer {
  readonly pharos: PharosProcess;
  readonly pushService: CountingPushService;
  readonly targets: FailingTargets;
  /** What came before each of these times is a dead process's work. */
  readonly restarts: readonly number[];
  /** A process has ended: lets nothing that it sent arrive any more. */
  noteEnd(): Promise<void>;
  /** Strikes the process, and starts another one as `restartAfterKill` does. */
  restart(launch?: Launch): Promise<void>;
  /** Waits until the process is dead by SIGKILL, lets nothing that it sent arrive any more, and starts another one. */
  restartAfterKill(launch?: Launch): Promise<void>;
  close(): Promise<void>;
}

interface FaultServerOptions {
  readonly parentFolder?: string;
  /** By default only what is wrong is logged. */
  readonly logLevel?: 'info' | 'warn';
  readonly authority?: TestAuthority;
  readonly storedIn?: StorageName;
  /** A PostgreSQL database, in place of one of the server's own. */
  readonly databaseUrl?: string;
  /** Folder of a package of the server that runs in place of the sources. */
  readonly installed?: string;
  /** Hosts beside those that every customer has. */
  readonly moreFronts?: readonly TlsFront[];
  readonly webhookRetryDelaysMs?: readonly number[];
  readonly webhookBreakerPausesMs?: readonly number[];
}

/** Far shorter than Beams', so that all five attempts happen. */
export const retryDelaysMs = [40, 60, 80, 100];
/** Targets refuse most of what they get; with the real pauses the last message would take hours. */
const breakerPausesMs = [20];
/** However slow the machine, a delivery that is missing was lost and not given up. */
const pushGiveUpAfterMs = 86_400_000;

/** What is around the server, and outlives it. */
export interface FaultWorld {
  readonly pushService: CountingPushService;
  readonly targets: FailingTargets;
  readonly fronts: readonly TlsFront[];
  /** How a process is started in it. */
  readonly launch: Parameters<typeof startPharosProcess>[0] & { readonly settings: Readonly<Record<string, string>> };
}

export async function startFaultWorld(seed: number, options: FaultServerOptions = {}): Promise<FaultWorld> {
  const { authority = createTestAuthority(), moreFronts = [], logLevel = 'warn' } = options;
  const { parentFolder, storedIn, databaseUrl, installed } = options;
  const pushService = createCountingPushService(seed);
  const targets = createFailingTargets(seed);
  const fronts: TlsFront[] = await Promise.all([
    startTlsFront(authority, { [pushService.host]: pushService.handler }),
    startTlsFront(authority, { [targets.host]: targets.handler }, { http2: false }),
  ]);
  fronts.push(...moreFronts);
  const settings = {
    PHAROS_LOG_LEVEL: logLevel,
    // The traffic comes from one address, and as fast as it can.
    PHAROS_CLIENT_REQUESTS_PER_SECOND: '1000000',
    PHAROS_PUBLISHES_PER_SECOND: '1000000',
    ...(databaseUrl !== undefined && { PHAROS_DATABASE_URL: databaseUrl }),
  };
  const launch = {
    authority,
    fronts,
    settings,
    webhookRetryDelaysMs: options.webhookRetryDelaysMs ?? retryDelaysMs,
    webhookBreakerPausesMs: options.webhookBreakerPausesMs ?? breakerPausesMs,
    pushGiveUpAfterMs,
    ...(storedIn !== undefined && { storedIn }),
    ...(parentFolder !== undefined && { parentFolder }),
    ...(installed !== undefined && { installed }),
  };
  return { pushService, targets, fronts, launch };
}

export async function startFaultServer(seed: number, options: FaultServerOptions = {}): Promise<FaultServer> {
  const { pushService, targets, fronts, launch } = await startFaultWorld(seed, options);
  const pharos = await startPharosProcess(launch);
  const restarts: number[] = [];
  async function noteEnd(): Promise<void> {
    for (const front of fronts) front.dropConnections();
    await setImmediate();
    // Later than all that arrived, also in this millisecond.
    restarts.push(Date.now() + 1);
  }

  async function restartAfterKill(launch?: Launch): Promise<void> {
    const signal = await pharos.ended();
    if (signal !== 'SIGKILL') throw new Error(`the server ended by ${signal}:\n${pharos.output().slice(-4_000)}`);
    await noteEnd();
    await pharos.start(launch);
  }
  return {
    pharos,
    pushService,
    targets,
    restarts,
    noteEnd,
    restartAfterKill,
    restart(launch) {
      pharos.strike();
      return restartAfterKill(launch);
    },
    async close() {
      await pharos.remove();
      await Promise.all(fronts.map((front) => front.close()));
    },
  };
}

/** Node's option that loads one of `interposers/` before the server, with what it is told. */
export function interposer(name: string, told: Readonly<Record<string, string>> = {}): string[] {
  const url = new URL(`interposers/${name}.ts`, import.meta.url);
  for (const [key, value] of Object.entries(told)) url.searchParams.set(key, value);
  return ['--import', url.href];
}
