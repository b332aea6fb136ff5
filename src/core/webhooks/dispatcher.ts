import { ClaimLoop } from '../claims/claim-loop.ts';
import { gatherItems } from '../claims/gather-items.ts';
import { defaultWebhookOptions } from '../instances/webhook-options.ts';
import type { Cluster } from '../ports/cluster.ts';
import { runOne, StoreUnavailable } from '../ports/command.ts';
import type { ClaimedMessage, MessageCommands, MessageQueries, MessageTarget } from '../ports/message-store.ts';
import { requestSize, webhookIdOf } from '../ports/message-store.ts';
import { CannotOpen } from '../ports/sealer.ts';
import type { Store } from '../ports/store.ts';
import type { AttemptBatchDeps } from './attempt-batch.ts';
import { attemptBatch } from './attempt-batch.ts';
import type { OnAnswered } from './attempt-message.ts';
import { attemptMessage } from './attempt-message.ts';
import { breakerPausesMs as defaultBreakerPausesMs } from './breaker.ts';
import type { ClaimedAhead } from './claimed-ahead.ts';
import { createClaimedAhead } from './claimed-ahead.ts';
import type { ErasedUser } from './erased-names.ts';
import { createErasedNames } from './erased-names.ts';
import type { TargetStatus } from './explain-message.ts';
import { giveBackRequest, postponeRequest } from './postpone-request.ts';
import type { ClaimedRequest } from './requests-by-target.ts';
import { requestsByTarget } from './requests-by-target.ts';
import { maxAttemptMs } from './retry-policies.ts';
import type { TargetLimits } from './target-state.ts';
import { shareOf } from './target-state.ts';
import type { HeldUpTargets, Offer, TargetStates } from './target-states.ts';
import { createTargetStates } from './target-states.ts';

export interface DispatcherDeps extends Omit<AttemptBatchDeps, 'completeAttempt'> {
  readonly store: AttemptBatchDeps['store'] &
    MessageCommands &
    Pick<MessageQueries, 'listTurns'> &
    Pick<Store, 'nextDue'>;
  readonly cluster: Pick<Cluster, 'nodesWith'>;
  readonly breakerPausesMs?: readonly number[];
}

/** A request in hand. Its claim may be renewed while it is: a clock that jumps ends leases early. */
interface Work {
  claimed: ClaimedRequest;
  /** The claim that was last asked for, to send or to record under. */
  used: ClaimedRequest | null;
  readonly offer: Offer;
  /** When it was asked for, of a clock that never jumps. */
  readonly claimedAt: number;
  /** It was claimed for a place that is not free yet. */
  readonly isAhead: boolean;
}

/** Attempts in flight, all targets together. */
export const messagesAtATime = 1024;
/**
 * Of them, those to targets that were not seen to succeed of late. So many new connections a busy machine makes within the
 * time that an attempt has; more at once, as after a start, and all of them would be late.
 */
const maxUnproven = messagesAtATime / 8;
/** Of them, those that wait in memory for a place of their target. */
const maxAhead = messagesAtATime / 4;
const maxAheadMs = 1_000;
/** Outlives the wait for a place, an attempt and the commit of its completion, also on a busy machine. */
const leaseMs = maxAttemptMs + 17_000;
const heldAtATime = 500;
/**
 * So long a place that became free waits for others, if they are less than a quarter of what is in flight: a claim of many
 * costs little more.
 */
const gatherMs = 2;
/**
 * And an attempt that is to be recorded, if they are less than what is in flight, or twice that if many are. It has given
 * its place back already; if the process is killed now, it is repeated.
 */
const gatherCompletedMs = 5;
const many = 16;

/** Sends webhooks: claims due messages, as many as each target can have, and attempts them until stopped. */
export class Dispatcher {
  readonly #deps: DispatcherDeps & AttemptBatchDeps;
  readonly #messages: ClaimLoop<Work>;
  readonly #targets: TargetStates;
  readonly #ahead: ClaimedAhead<Offer>;
  readonly #inHand = new Map<string, Work>();
  readonly #erased = createErasedNames(() => performance.now());
  /** Requests to the proven that are not answered yet, others may hang for long; and those that ended since the last claim. */
  #inFlight = 0;
  #endedSince = 0;
  #gathering: NodeJS.Timeout | null = null;

  constructor(deps: DispatcherDeps) {
    const areEnough = (count: number): boolean => count >= (this.#inFlight < many ? 1 : 2) * this.#inFlight;
    const gathering = { maxWaitMs: gatherCompletedMs, areEnough };
    this.#deps = { ...deps, completeAttempt: gatherItems(deps.store.completeAttempts, gathering) };
    this.#targets = createTargetStates({ now: () => performance.now(), maxUnproven, maxAhead });
    this.#ahead = createClaimedAhead({
      begin: (target) => this.#targets.begun(target),
      mayWait: (target) => this.#targets.keepsAhead(target),
      maxWaitMs: maxAheadMs,
    });
    this.#messages = new ClaimLoop({
      name: 'message',
      log: deps.log,
      capacity: messagesAtATime,
      sizeOf: ({ claimed }) => requestSize(claimed.length),
      claim: (limit) => this.#claim(limit),
      run: (work) => this.#run(work),
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

  /** Somebody has changed a webhook: what was wrong with it counts no more. */
  forgive(target: MessageTarget): void {
    this.#targets.forgive(target);
    this.#messages.wake();
  }

  /** A user's name was erased: what waits in memory leaves it out, too. */
  erased(user: ErasedUser): void {
    this.#erased.add(user);
  }

  /** What is known of a target; null: nothing is, so nothing is wrong. */
  status(target: MessageTarget): TargetStatus | null {
    return this.#targets.status(target, this.#deps.clock());
  }

  countHeldUp(): HeldUpTargets {
    return this.#targets.countHeldUp();
  }

  /** Claims no more; settles when the attempts in flight are recorded. */
  async stop(): Promise<void> {
    this.#ahead.close();
    await this.#messages.stop();
    if (this.#gathering) clearTimeout(this.#gathering);
  }

  async #claim(limit: number): Promise<readonly Work[]> {
    const { store } = this.#deps;
    const claimedAt = performance.now();
    this.#endedSince = 0;
    const targets = this.#targets.inTurn(await store.listTurns(limit));
    const known = await Promise.all(targets.map((target) => this.#limitsOf(target)));
    const offers = this.#targets.offer(known.filter((target) => target !== null));
    const claim = runOne(store.claimMessages, { limit, leaseMs, targets: offers.map(toRoom) });
    const messages = await claim.catch((error: unknown) => {
      this.#targets.claimFailed(offers);
      throw error;
    });
    const byTarget = requestsByTarget(messages);
    let left = limit;
    return offers.flatMap((offer) => {
      // The store came no further: those that have a place again are offered it in the next claim.
      if (left <= 0) return [];
      const requests = byTarget.get(offer.key) ?? [];
      for (const claimed of requests) left -= requestSize(claimed.length);
      if (this.#targets.claimed(offer, requests.length)) this.#messages.wake();
      return requests.flatMap((claimed, index) =>
        this.#take({ claimed, used: null, offer, claimedAt, isAhead: index >= offer.room }),
      );
    });
  }

  /** Null: the messages of a disabled webhook are being put aside, and there are more of them. */
  async #limitsOf(target: MessageTarget): Promise<{ target: MessageTarget; limits: TargetLimits } | null> {
    const { instances, store } = this.#deps;
    const { instanceId } = target;
    const webhookId = webhookIdOf(target.target);
    const webhook = webhookId === null ? null : await instances.findWebhook(instanceId, webhookId).catch(ifItsOwn);
    if (webhookId !== null && webhook && webhook.disabledAt !== null) {
      const held = await runOne(store.holdMessages, { instanceId, webhookId, limit: heldAtATime });
      if (held === heldAtATime) return null;
    }
    const nodes = this.#deps.cluster.nodesWith('webhooks');
    return { target, limits: shareOf(webhook?.options ?? defaultWebhookOptions, nodes) };
  }

  /** Nothing when it is in hand already: then whoever works on it has the new claim. */
  #take(work: Work): readonly Work[] {
    const { claimed, offer, isAhead } = work;
    const inHand = this.#inHand.get(requestIdOf(claimed[0]));
    if (inHand) {
      inHand.claimed = claimed;
      if (isAhead) this.#targets.givenBack(offer);
      else this.#targets.ended(offer, null);
      return [];
    }
    this.#inHand.set(requestIdOf(claimed[0]), work);
    return [work];
  }

  async #run(work: Work): Promise<boolean> {
    const { store } = this.#deps;
    if (work.isAhead && !(await this.#ahead.turn(work.offer))) {
      // Before it can be claimed again, which may be told before this is.
      this.#letGo(work);
      this.#targets.givenBack(work.offer);
      await giveBackRequest(store, work.claimed, 0);
      return true;
    }
    try {
      return await this.#attempt(work);
    } finally {
      this.#letGo(work);
      // It was recorded, was due again and was claimed again, all before we heard of the first.
      if (work.claimed !== work.used) await giveBackRequest(store, work.claimed, 0);
    }
  }

  #letGo(work: Work): void {
    const requestId = requestIdOf(work.claimed[0]);
    if (this.#inHand.get(requestId) === work) this.#inHand.delete(requestId);
  }

  async #attempt(work: Work): Promise<boolean> {
    const startedAt = performance.now();
    const expected = work.offer.proven ? 1 : 0;
    this.#inFlight += expected;
    let isOver = false;
    const end = (attempt: Parameters<TargetStates['ended']>[1]): void => {
      if (isOver) return;
      isOver = true;
      this.#inFlight -= expected;
      const hasFreed = this.#targets.ended(work.offer, attempt);
      this.#ahead.look(work.offer);
      if (hasFreed) this.#claimSoon();
    };
    const onAnswered: OnAnswered = (verdict, pauseMs) => {
      const { breakerPausesMs = defaultBreakerPausesMs } = this.#deps;
      end({ verdict, pauseMs, startedAt, endedAt: performance.now(), breakerPausesMs, chance: Math.random() });
    };
    const current = (): ClaimedRequest => this.#erased.leaveOut((work.used = work.claimed), work.claimedAt);
    try {
      return work.claimed[0].batchId === null
        ? await attemptMessage(this.#deps, () => current()[0], onAnswered)
        : await attemptBatch(this.#deps, current, onAnswered);
    } catch (error) {
      if (error instanceof CannotOpen) await postponeRequest(this.#deps, current());
      throw error;
    } finally {
      end(null);
    }
  }

  /** Of what was in flight, when so many of it have ended. */
  #isQuarter(ended: number): boolean {
    return 3 * ended >= this.#inFlight;
  }

  /** A target has a place again that it waited for. */
  #claimSoon(): void {
    this.#endedSince += 1;
    if (this.#isQuarter(this.#endedSince)) return this.#messages.wake();
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null;
      this.#messages.wake();
    }, gatherMs);
  }
}

const toRoom = ({ instanceId, target, room, ahead, restMs, restsFromAll = false, limits: { batch } }: Offer) => ({
  ...{ instanceId, target, room: room + ahead, restMs, restsFromAll },
  batch: batch ?? null,
});
/** One webhook that cannot be opened or read is no reason to claim nothing: its messages are claimed, and fail alone. */
function ifItsOwn(error: unknown): null {
  if (error instanceof StoreUnavailable) throw error;
  return null;
}

const requestIdOf = ({ batchId, messageId }: ClaimedMessage): string => batchId ?? messageId;
