import { ClaimLoop } from '../claims/claim-loop.ts';
import { createRecorder } from '../claims/recorder.ts';
import { runOne } from '../ports/command.ts';
import type { DeliveryLog } from '../delivery/delivery-log.ts';
import { createDeliveryLog } from '../delivery/delivery-log.ts';
import type { ClaimedRange, PublishCommands, PublishQueries } from '../ports/publish-store.ts';
import type { Store } from '../ports/store.ts';
import { InHand } from './in-hand.ts';
import type { DeferredGroup } from './retry-deliveries.ts';
import { groupByPublish, retryDeliveries } from './retry-deliveries.ts';
import type { RunRangeDeps } from './run-range.ts';
import { createRoomToSend } from './room-to-send.ts';
import { runRange } from './run-range.ts';

export interface FanOutDeps extends Omit<
  RunRangeDeps,
  | 'store'
  | 'recorder'
  | 'room'
  | 'stopping'
  | 'onParked'
  | 'onDeferred'
  | 'pageSize'
  | 'pagesPerTurn'
  | 'turnMs'
  | 'deliveryLog'
  | 'leaseMs'
  | 'parkAfterMs'
> {
  readonly store: PublishCommands & PublishQueries & Pick<Store, 'nextDue'>;
  /** Every gateway has answered or given up by then. */
  readonly gatewayDeadlineMs: number;
  /** A range was given back with more to send: whoever has nothing to do may take some of it. */
  readonly onGivenBack: () => void;
}

/** At most 200 deliveries of a range are unrecorded, in two pages. */
const pageSize = 100;
/** Then the range goes behind all others that wait. */
const pagesPerTurn = 32;
const turnMs = 1_000;
const rangesAtATime = 8;
/** Of these, so many are of the same publish: others start at once beside it, and other nodes find some of it too. */
const rangesOfPublish = 4;
/** How soon it is looked again for what falls due, while there is more of such a publish. */
const fullRestMs = 250;
const deferredAtATime = 256;
/** What is deferred waits for half a second at least. */
const deferredRestMs = 100;
const parkAfterMs = 1_000;
/** A process that has just started has room for two pages; one that works, for all that it can have under way. */
const roomOptions = {
  atFirst: 2 * pageSize,
  atMost: 2 * pageSize * rangesAtATime + deferredAtATime,
  longestWaitMs: 3_000,
};

/** Sends accepted publishes: claims ranges and deferred deliveries, and works on them until stopped. */
export class FanOut {
  readonly #ranges: ClaimLoop<ClaimedRange>;
  readonly #deferred: ClaimLoop<DeferredGroup>;
  readonly #parked = new Set<Promise<void>>();
  readonly #deliveryLog: DeliveryLog;
  #stopping = false;

  constructor(deps: FanOutDeps) {
    const deliveryLog = createDeliveryLog(deps.log);
    this.#deliveryLog = deliveryLog;
    // A lease outlives every wait inside it: a page is parked in time, a push is answered by the gateway's deadline.
    const leaseMs = deps.gatewayDeadlineMs + 20_000;
    const recorder = createRecorder();
    const { caughtUp } = recorder;
    const rangeDeps: RunRangeDeps = {
      ...deps,
      recorder,
      room: createRoomToSend(roomOptions),
      deliveryLog,
      turnMs,
      pageSize,
      pagesPerTurn,
      parkAfterMs,
      leaseMs,
      stopping: () => this.#stopping,
      onDeferred: () => this.#deferred.wake(),
      onParked: (parked) => this.#holdParked(deps, parked),
    };
    const inHand = new InHand(rangesOfPublish);
    this.#ranges = new ClaimLoop({
      name: 'range',
      log: deps.log,
      capacity: rangesAtATime,
      caughtUp,
      claim: (limit) => runOne(deps.store.claimRanges, { limit, leaseMs, except: inHand.full() }),
      run: (range) =>
        inHand.run(range.publishId, async () => {
          const isGivenBack = await runRange(rangeDeps, range);
          if (isGivenBack) deps.onGivenBack();
          return isGivenBack;
        }),
      nextDueMs: async () => {
        const { ranges } = await deps.store.nextDue();
        return ranges !== null && inHand.full().length > 0 ? Math.max(ranges, fullRestMs) : ranges;
      },
    });
    this.#deferred = new ClaimLoop({
      name: 'delivery',
      log: deps.log,
      capacity: deferredAtATime,
      sizeOf: ({ deliveries }) => deliveries.length,
      restMs: deferredRestMs,
      caughtUp,
      claim: async (limit) => groupByPublish(await runOne(deps.store.claimDeliveries, { limit, leaseMs })),
      run: async (group) => {
        await retryDeliveries(rangeDeps, group);
        return false;
      },
      nextDueMs: async () => (await deps.store.nextDue()).deliveries,
    });
  }

  start(): void {
    this.#ranges.start();
    this.#deferred.start();
  }

  /** A publish was accepted. */
  wake(): void {
    this.#ranges.wake();
  }

  /** Anything may have fallen due. */
  lookAgain(): void {
    this.#ranges.wake();
    this.#deferred.wake();
  }

  /** Claims no more; settles when what is in flight is recorded. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([this.#ranges.stop(), this.#deferred.stop()]);
    await Promise.all(this.#parked);
    this.#deliveryLog.flush();
  }

  #holdParked(deps: FanOutDeps, parked: Promise<void>): void {
    const held = parked
      // Its row's lease runs out, and the delivery is tried again.
      .catch((error: unknown) => deps.log.error('delivery.failed', { error }))
      .finally(() => this.#parked.delete(held));
    this.#parked.add(held);
  }
}
