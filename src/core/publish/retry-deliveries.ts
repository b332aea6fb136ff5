import { postponedMs } from '../claims/postponed-ms.ts';
import type { Recorder } from '../claims/recorder.ts';
import type { DeliverDeps } from '../delivery/deliver.ts';
import { deliver } from '../delivery/deliver.ts';
import { deliveryRecord } from '../delivery/delivery-record.ts';
import { settledWithin } from '../delivery/settled-within.ts';
import type { ClaimedDelivery, DeliveryRecord, PublishCommands, PublishKey } from '../ports/publish-store.ts';
import type { Sealed } from '../ports/instance-store.ts';
import type { Sealer } from '../ports/sealer.ts';
import { CannotOpen } from '../ports/sealer.ts';
import { openPublishBody } from './publish-body.ts';
import type { RoomToSend } from './room-to-send.ts';

export interface RetryDeliveriesDeps extends DeliverDeps {
  readonly store: Pick<PublishCommands, 'completeDeliveries'>;
  readonly recorder: Pick<Recorder, 'record'>;
  readonly sealer: Sealer;
  readonly room: RoomToSend;
  /** What has not been answered for by then does not hold up the other deferred deliveries. */
  readonly parkAfterMs: number;
  /** The last delivery of a publish was settled: its closing messages are due. */
  readonly onFinished: (instanceId: string) => void;
  /** A delivery was deferred once more. */
  readonly onDeferred: () => void;
  /** Takes over a delivery that outlives its turn; its claim holds. */
  readonly onParked: (parked: Promise<void>) => void;
}

/** Claimed deliveries of one publish. */
export interface DeferredGroup extends PublishKey {
  readonly body: Sealed;
  readonly deliveries: readonly ClaimedDelivery[];
}

/** In the order in which they were claimed. */
export function groupByPublish(claimed: readonly ClaimedDelivery[]): readonly DeferredGroup[] {
  const groups = Map.groupBy(claimed, ({ publishId }) => publishId).values();
  return [...groups].map((deliveries) => {
    const [{ instanceId, publishId, body }] = deliveries as [ClaimedDelivery];
    return { instanceId, publishId, body, deliveries };
  });
}

/** Tries deferred deliveries again and records what came of them. What does not open waits on, longer and longer. */
export async function retryDeliveries(deps: RetryDeliveriesDeps, group: DeferredGroup): Promise<void> {
  try {
    await sendAgain(deps, group);
  } catch (error) {
    if (error instanceof CannotOpen)
      await complete(
        deps,
        group.deliveries.map((claimed) => postponed(deps, claimed)),
      );
    throw error;
  }
}

async function sendAgain(deps: RetryDeliveriesDeps, group: DeferredGroup): Promise<void> {
  const gone = group.deliveries.filter(({ deviceGone }) => deviceGone);
  const living = group.deliveries.filter(({ deviceGone }) => !deviceGone);
  const body = openPublishBody(deps.sealer, group, group.body);
  await deps.room.take(living.length);
  try {
    const records = await deliver(deps, group, body, living);
    const settled = await settledWithin(records, deps.parkAfterMs);
    const done = gone.map((claimed) => completionOf(claimed, deliveryRecord(claimed.device, { kind: 'gone' })));
    living.forEach((claimed, index) => {
      const record = settled.get(index);
      if (record) done.push(completionOf(claimed, record));
      else
        deps.onParked(
          (records[index] as Promise<DeliveryRecord>).then((late) => complete(deps, [completionOf(claimed, late)])),
        );
    });
    await complete(deps, done);
  } finally {
    deps.room.giveBack(living.length);
  }
}

type Completion = Parameters<PublishCommands['completeDeliveries']>[0][number];

const completionOf = (
  { instanceId, publishId, claimToken }: ClaimedDelivery,
  delivery: DeliveryRecord,
): Completion => ({ instanceId, publishId, claimToken, delivery });

function postponed({ clock }: Pick<RetryDeliveriesDeps, 'clock'>, claimed: ClaimedDelivery): Completion {
  const retryInMs = postponedMs(claimed.firstAttemptAt, clock());
  const outcome = { kind: 'deferred', retryInMs, attempts: claimed.attempts, claimToken: null } as const;
  return completionOf(claimed, deliveryRecord(claimed.device, outcome));
}

/** Throws the first error of an item after the others were looked at: their leases run out. */
async function complete(deps: RetryDeliveriesDeps, completions: readonly Completion[]): Promise<void> {
  if (completions.length === 0) return;
  const results = await deps.recorder.record(() => deps.store.completeDeliveries(completions));
  results.forEach((result, index) => {
    const instanceId = completions[index]?.instanceId;
    if (instanceId && result.ok && result.value.kind === 'recorded' && result.value.finished)
      deps.onFinished(instanceId);
  });
  if (completions.some(({ delivery }) => delivery.outcome.kind === 'deferred')) deps.onDeferred();
  const failed = results.find((result) => !result.ok);
  if (failed && !failed.ok) throw failed.error;
}
