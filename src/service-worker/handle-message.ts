import { scriptVersion } from '../browser/script-version.ts';
import type { MessageToWorker, WorkerVersion } from '../protocol/worker-messages.ts';
import { flush } from './flush-later.ts';

declare const self: ServiceWorkerGlobalScope;

export function handleMessage(event: ExtendableMessageEvent): void {
  const { pharos } = (event.data ?? {}) as Partial<MessageToWorker>;
  if (pharos === 'version') event.ports[0]?.postMessage({ version: scriptVersion } satisfies WorkerVersion);
  else if (pharos === 'flush') event.waitUntil(flush());
  else if (pharos === 'take-over') event.waitUntil(self.skipWaiting());
}
