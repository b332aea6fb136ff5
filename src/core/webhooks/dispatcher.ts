import { ClaimLoop } from '../claims/claim-loop.ts';
import { runOne } from '../ports/command.ts';
import type { ClaimedMessage, MessageCommands, MessageTarget } from '../ports/message-store.ts';
import type { Store } from '../ports/store.ts';
import type { AttemptMessageDeps } from './attempt-message.ts';
import { attemptMessage } from './attempt-message.ts';
import { beamsTimeoutMs } from './decide-attempt.ts';

export interface DispatcherDeps extends AttemptMessageDeps {
  readonly store: AttemptMessageDeps['store'] & MessageCommands & Pick<Store, 'nextDue'>;
}

/** Attempts in flight, all targets together. */
export const messagesAtATime = 1024;
/** A target that hangs takes so many places from the others, for as long as an attempt may last. */
const maxPerTarget = 64;
/** Outlives an attempt and the commit of its completion, also on a busy machine. */
const leaseMs = beamsTimeoutMs + 17_000;

/** Sends webhooks: claims due messages and attempts them until stopped. */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #messages: ClaimLoop<ClaimedMessage>;
  readonly #inFlight = new Map<string, MessageTarget & { readonly count: number }>();

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    this.#messages = new ClaimLoop({
      name: 'message',
      log: deps.log,
      capacity: messagesAtATime,
      claim: (limit) => this.#claim(limit),
      run: (message) => this.#attempt(message),
      nextDueMs: () => this.#nextDueMs(),
    });
  }

  start(): void {
    this.#messages.start();
  }

  /** A message was written. */
  wake(): void {
    this.#messages.wake();
  }

  /** Claims no more; settles when the attempts in flight are recorded. */
  async stop(): Promise<void> {
    await this.#messages.stop();
  }

  async #claim(limit: number): Promise<readonly ClaimedMessage[]> {
    const inFlight = [...this.#inFlight.values()];
    const messages = await runOne(this.#deps.store.claimMessages, { limit, leaseMs, maxPerTarget, inFlight });
    for (const message of messages) this.#count(message, 1);
    return messages;
  }

  async #attempt(message: ClaimedMessage): Promise<boolean> {
    try {
      const waitsAgain = await attemptMessage(this.#deps, message);
      return waitsAgain || this.#isFull(message);
    } finally {
      this.#count(message, -1);
    }
  }

  async #nextDueMs(): Promise<number | null> {
    const { messages } = await this.#deps.store.nextDue();
    // What is due now may belong to a full target: the end of an attempt wakes the loop, within its time limit.
    const someTargetIsFull = [...this.#inFlight.values()].some((target) => this.#isFull(target));
    return messages === 0 && someTargetIsFull ? null : messages;
  }

  #isFull(target: MessageTarget): boolean {
    return (this.#inFlight.get(keyOf(target))?.count ?? 0) >= maxPerTarget;
  }

  #count({ instanceId, webhookId }: MessageTarget, change: 1 | -1): void {
    const key = keyOf({ instanceId, webhookId });
    const count = (this.#inFlight.get(key)?.count ?? 0) + change;
    if (count > 0) this.#inFlight.set(key, { instanceId, webhookId, count });
    else this.#inFlight.delete(key);
  }
}

const keyOf = ({ instanceId, webhookId }: MessageTarget): string => `${instanceId} ${webhookId ?? ''}`;
