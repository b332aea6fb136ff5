import type { MessageToWorker } from '../protocol/worker-messages.ts';
import { flushOutboxes } from './flush-outboxes.ts';

declare const self: ServiceWorkerGlobalScope;

/** Background Synchronization, which not every browser has, and TypeScript's library neither. */
interface SyncManager {
  readonly register: (tag: string) => Promise<void>;
}
export interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
}

const tag = 'pharos-outbox';

/** Sends what waits; what must go on waiting is sent when the browser is online again, if it can wake a worker for that. */
export async function flush(): Promise<void> {
  if (await flushOutboxes()) return;
  const { sync } = self.registration as { readonly sync?: SyncManager };
  await sync?.register(tag).catch((error: unknown) => console.debug('Pharos: no background sync.', error));
}

/**
 * The same in an event of its own, which keeps the worker alive in place of the push: Chromium delivers the next push only
 * when the event of the one before has ended, and a receiver that never answers would hold it up.
 */
export function flushAside(): void {
  self.registration.active?.postMessage({ pharos: 'flush' } satisfies MessageToWorker);
}

/** A rejection makes the browser try again after a pause of its own. */
export function handleSync(event: Event): void {
  const sync = event as SyncEvent;
  if (sync.tag !== tag) return;
  sync.waitUntil(
    flushOutboxes().then((emptied) => {
      if (!emptied) throw new Error('Pharos: some URLs do not answer yet');
    }),
  );
}
