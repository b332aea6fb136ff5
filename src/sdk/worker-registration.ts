import { scriptVersion } from '../browser/script-version.ts';
import type { MessageToWorker, WorkerVersion } from '../protocol/worker-messages.ts';

/** A worker answers within milliseconds once it runs, and may take a while to start; one without our script never does. */
const answerWithinMs = 5_000;
/** Browsers wait until the older worker is idle, and Chromium may miss that when messages arrive in the same moment. */
const takeOverWithinMs = 5_000;

/** The registration of a worker that has loaded our script, the server's release of it where that can be had. */
export async function registerWorker(paths: readonly string[], scope?: string): Promise<ServiceWorkerRegistration> {
  const existing = await navigator.serviceWorker.getRegistration(scope);
  // The site's own worker, whatever its name, if it has our script already.
  const before = existing?.active ?? null;
  const version = before && (await askVersion(before));
  if (existing && version !== null) return bringUpToDate(existing, version);
  const refusals: unknown[] = [];
  for (const path of paths) {
    try {
      const options = { updateViaCache: 'none', ...(scope && { scope }) } as const;
      const registration = await navigator.serviceWorker.register(path, options);
      const isSilent = before !== null && registration.active === before;
      return await bringUpToDate(registration, isSilent ? null : undefined);
    } catch (error) {
      refusals.push(error);
    }
  }
  throw new Error(`Pharos: no service worker at ${paths.join(' or ')}: ${refusals.join('; ')}`, { cause: refusals });
}

/**
 * "A worker older than the server's is detected and updated": the page is the server's, since it is loaded from there at every
 * visit. Rejects when the worker does not load our script at all. `known`: what its worker has answered already.
 */
export async function bringUpToDate(
  registration: ServiceWorkerRegistration,
  known?: string | null,
): Promise<ServiceWorkerRegistration> {
  const active = await activeWorker(registration);
  const version = known === undefined ? await askVersion(active) : known;
  if (version === scriptVersion) return registration;
  // The browser looks for updates too, and may be the one that finds it.
  registration.addEventListener('updatefound', () => void letTakeOver(registration));
  const updating = registration
    .update()
    .catch(warn)
    .then(() => letTakeOver(registration));
  // An older one of ours serves meanwhile. Without an update this page came from a cache, or the worker did. A later visit mends both.
  if (version !== null) await Promise.race([updating, new Promise((resolve) => setTimeout(resolve, takeOverWithinMs))]);
  else if (!(await updating) || (await askVersion(await activeWorker(registration))) === null)
    throw new Error(`Pharos: ${active.scriptURL} does not load our worker script with importScripts`);
  return registration;
}

/** Answers whether there was a newer worker. */
async function letTakeOver(registration: ServiceWorkerRegistration): Promise<boolean> {
  const newer = registration.installing ?? registration.waiting;
  if (!newer) return false;
  await reached(newer, ['installed', 'activating', 'activated', 'redundant']);
  tellWorker(newer, { pharos: 'take-over' });
  await reached(newer, ['activated', 'redundant']);
  return true;
}

export const tellWorker = (worker: ServiceWorker | null, message: MessageToWorker): void =>
  worker?.postMessage(message);

async function activeWorker(registration: ServiceWorkerRegistration): Promise<ServiceWorker> {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  if (!worker) throw new Error('Pharos: the service worker was unregistered');
  await reached(worker, ['activated', 'redundant']);
  return registration.active ?? worker;
}

function reached(worker: ServiceWorker, states: readonly ServiceWorkerState[]): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (states.includes(worker.state)) resolve();
    };
    worker.addEventListener('statechange', look);
    look();
  });
}

/** Null when the worker does not answer: it has not loaded our script. */
function askVersion(worker: ServiceWorker): Promise<string | null> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const timeout = setTimeout(() => resolve(null), answerWithinMs);
    port1.onmessage = ({ data }: MessageEvent<WorkerVersion>) => {
      clearTimeout(timeout);
      resolve(data.version);
    };
    worker.postMessage({ pharos: 'version' } satisfies MessageToWorker, [port2]);
  });
}

const warn = (error: unknown): void => console.warn('Pharos: the worker could not be updated.', error);
