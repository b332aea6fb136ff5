import { Worker } from 'node:worker_threads';
import { StoreUnavailable } from '../../core/ports/command.ts';
import type { Commit } from '../../core/ports/metrics.ts';
import { OperatorProblem } from '../../core/ports/operator-problem.ts';
import type { MasterKey } from '../../sealing/keyring.ts';
import { packCalls, unpackReplies } from './sent-calls.ts';
import type { Call, FromThread, ToThread } from './thread-protocol.ts';
import { doneValue } from './thread-protocol.ts';

export interface StorageThreadOptions {
  /** Script of the thread. */
  readonly entry: URL;
  /** Database file. */
  readonly file: string;
  /** Key of a thread that seals; what is called from now on is sealed with it. */
  readonly sealsWith?: () => MasterKey;
  /** Items that may wait for an answer; beyond it calls are refused. */
  readonly maxPendingItems: number;
  readonly onCommit: (commit: Commit) => void;
}

/** `input`: a command's items or a query's arguments; `items`: what they count against the bound. */
export type Send = (name: string, input: readonly unknown[], items: number) => Promise<unknown>;

interface Pending {
  readonly items: number;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Calls of one turn that make a crowd: the thread begins with them while others are still being received. */
const mostTogether = 16;

/**
 * A worker thread that answers calls. Those of one turn of the event loop travel together, since waking it costs more than
 * most calls; they do not wait until it is idle, so that it has work when it is. When the thread dies, what it had not
 * answered rejects with `StoreUnavailable`, and the next call starts another one.
 */
export class StorageThread {
  readonly #options: StorageThreadOptions;
  readonly #pending = new Map<number, Pending>();
  #pendingItems = 0;
  #queued: Call[] = [];
  #lastId = 0;
  #worker: Worker | null = null;
  /** What the worker seals with. */
  #sealsWith: MasterKey | undefined;
  #closed = false;

  constructor(options: StorageThreadOptions) {
    this.#options = options;
  }

  /** Resolves when the database is open; rejects with the reason why it is not. */
  async start(): Promise<void> {
    const worker = this.#startWorker();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onMessage = (message: FromThread) =>
      message.kind === 'open-failed' ? reject(openError(message)) : resolve();
    worker.once('message', onMessage).once('error', reject);
    worker.once('exit', () => reject(new StoreUnavailable('the storage thread ended before it was open')));
    try {
      await promise;
    } catch (error) {
      this.#closed = true;
      await worker.terminate();
      throw error;
    }
  }

  /** `input`: a command's items or a query's arguments; `items`: what they count against the bound. */
  call(name: string, input: readonly unknown[], items: number): Promise<unknown> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('the store is closed'));
    if (this.#pendingItems + items > this.#options.maxPendingItems) {
      return Promise.reject(new StoreUnavailable('the queue of the store is full'));
    }
    const id = ++this.#lastId;
    this.#pendingItems += items;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { items, resolve, reject }));
    const queued = this.#queued.push({ id, name, input });
    if (queued === 1) setImmediate(() => this.#flush());
    else if (queued === mostTogether) this.#flush();
    return answer;
  }

  /** Answers what was called before, then ends the thread. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#flush();
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.postMessage('close' satisfies ToThread);
    await ended;
  }

  #flush(): void {
    const calls = this.#queued;
    this.#queued = [];
    if (calls.length > 0) this.#send(calls);
  }

  #send(calls: readonly Call[]): void {
    try {
      const worker = this.#worker ?? this.#startWorker();
      const key = this.#options.sealsWith?.();
      const change = key && key !== this.#sealsWith ? { newKey: key } : {};
      worker.postMessage({ ...packCalls(calls), ...change } satisfies ToThread);
      this.#sealsWith = key;
    } catch (error) {
      // An input that is no JSON or cannot be cloned: a mistake of one of the callers.
      const [first, ...others] = calls;
      if (others.length > 0) for (const call of calls) this.#send([call]);
      else if (first) this.#take(first.id)?.reject(error as Error);
    }
  }

  #startWorker(): Worker {
    const { entry, file, sealsWith } = this.#options;
    this.#sealsWith = sealsWith?.();
    const worker = new Worker(entry, { workerData: { file, sealsWith: this.#sealsWith } });
    this.#worker = worker;
    worker.on('message', (message: FromThread) => this.#onMessage(message));
    worker.on('error', (cause) => this.#onEnd(worker, cause));
    worker.on('exit', () => this.#onEnd(worker, undefined));
    return worker;
  }

  #onMessage(message: FromThread): void {
    if (message.kind !== 'replies') return;
    if (message.commit) this.#options.onCommit(message.commit);
    for (const { id, outcome } of unpackReplies(message.replies)) {
      const pending = this.#take(id);
      if (outcome.kind === 'done' || outcome.kind === 'all-done') pending?.resolve(doneValue(outcome));
      else if (outcome.kind === 'error') pending?.reject(outcome.error);
      else pending?.reject(new StoreUnavailable(outcome.reason));
    }
  }

  #onEnd(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const queued = new Set(this.#queued.map((call) => call.id));
    for (const id of [...this.#pending.keys()]) {
      if (!queued.has(id))
        this.#take(id)?.reject(new StoreUnavailable('the storage thread ended', { cause, mayBeDone: true }));
    }
    this.#flush();
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.#pendingItems -= pending?.items ?? 0;
    return pending;
  }
}

const openError = ({ error, problem }: FromThread & { readonly kind: 'open-failed' }): Error =>
  problem === null ? error : new OperatorProblem(problem, { cause: error });
