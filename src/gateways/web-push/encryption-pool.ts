import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { bodyBytes, subscriptionKeyBytes } from './encryption.ts';
import type { EncryptionJob, EncryptionResult } from './encryption-job.ts';
import { encryptionChunk } from './settings.ts';

/** Unbuilt it is TypeScript, built JavaScript. */
const workerUrl = new URL(`./encryption-worker${extname(import.meta.url)}`, import.meta.url);

/** Encrypts on threads of its own. A thread that dies fails the jobs it had and is replaced by the next job. */
export class EncryptionPool {
  readonly #threads: EncryptionThread[];

  constructor(threads: number) {
    this.#threads = Array.from({ length: threads }, () => new EncryptionThread());
  }

  /**
   * One promise per device, in order, of the body for it; null if its keys are none. All reject when the thread died.
   * `keys` have `subscriptionKeyBytes` each, others count as none.
   */
  encrypt(payload: Uint8Array, keys: readonly Uint8Array[]): Promise<Uint8Array | null>[] {
    const chunk = Math.min(encryptionChunk, Math.ceil(keys.length / this.#threads.length));
    const bodies: Promise<Uint8Array | null>[] = [];
    for (let start = 0; start < keys.length; start += chunk) {
      bodies.push(...encryptChunk(this.#leastBusy(), payload, keys.slice(start, start + chunk)));
    }
    return bodies;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }

  #leastBusy(): EncryptionThread {
    return this.#threads.reduce((best, thread) => (thread.jobs < best.jobs ? thread : best));
  }
}

function encryptChunk(
  thread: EncryptionThread,
  payload: Uint8Array,
  keys: readonly Uint8Array[],
): Promise<Uint8Array | null>[] {
  const packed = new Uint8Array(keys.length * subscriptionKeyBytes);
  keys.forEach((one, index) => {
    if (one.length === subscriptionKeyBytes) packed.set(one, index * subscriptionKeyBytes);
  });
  const result = thread.run(payload, packed);
  const size = bodyBytes(payload.length);
  return keys.map(async (_, index) => {
    const { bodies, valid } = await result;
    return valid[index] === 1 ? bodies.subarray(index * size, (index + 1) * size) : null;
  });
}

class EncryptionThread {
  #worker: Worker | null = null;
  #lastId = 0;
  readonly #running = new Map<number, PromiseWithResolvers<EncryptionResult>>();

  get jobs(): number {
    return this.#running.size;
  }

  run(payload: Uint8Array, keys: Uint8Array<ArrayBuffer>): Promise<EncryptionResult> {
    this.#worker ??= this.#start();
    const job: EncryptionJob = { id: (this.#lastId += 1), payload, keys };
    const deferred = Promise.withResolvers<EncryptionResult>();
    this.#running.set(job.id, deferred);
    this.#worker.postMessage(job, [keys.buffer]);
    return deferred.promise;
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(workerUrl);
    worker.on('message', (result: EncryptionResult) => {
      this.#running.get(result.id)?.resolve(result);
      this.#running.delete(result.id);
    });
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      this.#worker = null;
      const jobs = [...this.#running.values()];
      this.#running.clear();
      for (const job of jobs) job.reject(new Error('encryption thread ended', { cause }));
    });
    return worker;
  }
}
