import { ClaimLoop } from '../claims/claim-loop.ts';
import { runOne } from '../ports/command.ts';
import type { ClaimedMessage, MessageCommands } from '../ports/message-store.ts';
import type { Store } from '../ports/store.ts';
import type { AttemptMessageDeps } from './attempt-message.ts';
import { attemptMessage } from './attempt-message.ts';
import { beamsTimeoutMs } from './decide-attempt.ts';

export interface DispatcherDeps extends AttemptMessageDeps {
  readonly store: AttemptMessageDeps['store'] & MessageCommands & Pick<Store, 'nextDue'>;
}

const messagesAtATime = 512;
/** Outlives an attempt and the commit of its completion, also on a busy machine. */
const leaseMs = beamsTimeoutMs + 17_000;

/** Sends webhooks: claims due messages and attempts them until stopped. */
export class Dispatcher {
  readonly #messages: ClaimLoop<ClaimedMessage>;

  constructor(deps: DispatcherDeps) {
    this.#messages = new ClaimLoop({
      name: 'message',
      log: deps.log,
      capacity: messagesAtATime,
      claim: (limit) => runOne(deps.store.claimMessages, { limit, leaseMs }),
      run: (message) => attemptMessage(deps, message),
      nextDueMs: async () => (await deps.store.nextDue()).messages,
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
}
