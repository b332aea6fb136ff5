import type { DeliverDeps, DeviceToReach } from '../delivery/deliver.ts';
import { deliver } from '../delivery/deliver.ts';
import { deliveryRecord } from '../delivery/delivery-record.ts';
import { settledWithin } from '../delivery/settled-within.ts';
import type { Recorder } from '../claims/recorder.ts';
import { runOne } from '../ports/command.ts';
import type { IdSource } from '../ports/id-source.ts';
import type {
  AudienceCursor,
  AudienceDevice,
  ClaimedRange,
  DeliveryRecord,
  PublishCommands,
  PublishKey,
} from '../ports/publish-store.ts';
import type { PublishBody } from '../ports/publish-body.ts';

export interface SendPageDeps extends DeliverDeps {
  readonly store: Pick<PublishCommands, 'recordPages' | 'completeDeliveries'>;
  readonly recorder: Pick<Recorder, 'record'>;
  readonly ids: IdSource;
  /** A device that has not been answered for by then does not hold up its page. */
  readonly parkAfterMs: number;
  /** How long a range, or a parked delivery, is held for its answers; longer than the gateways' deadline. */
  readonly leaseMs: number;
  /** The last delivery of a publish was settled: its closing messages are due. */
  readonly onFinished: (instanceId: string) => void;
  /** A deferred delivery was written: it falls due some time. */
  readonly onDeferred: () => void;
  /** Takes over a delivery that outlives its page. */
  readonly onParked: (parked: Promise<void>) => void;
}

export interface PageToSend {
  readonly range: ClaimedRange;
  readonly body: PublishBody;
  /** Where the page begins. */
  readonly cursor: AudienceCursor;
  readonly devices: readonly AudienceDevice[];
  /** Null when the range ends with this page. */
  readonly next: AudienceCursor | null;
  /** The turn ends with this page: others come first. */
  readonly giveBack: boolean;
}

/** `lost`: the range is not ours any more. `canceled`: nothing more is to be sent. */
export type RangeState = 'ours' | 'lost' | 'canceled';

/** A page whose pushes are on their way. */
export interface SentPage {
  /** Records the outcomes; to be called in the order of the pages. `endsRange`: no page will follow. */
  record(endsRange?: boolean): Promise<RangeState>;
}

interface ParkedDelivery {
  readonly claimToken: string;
  readonly record: Promise<DeliveryRecord>;
}

/** Sends a page. What is not answered for in time is *parked*: recorded as deferred, held, settled when the answer comes. */
export async function sendPage(deps: SendPageDeps, page: PageToSend): Promise<SentPage> {
  const { range, devices } = page;
  const targets = devices.map((device): DeviceToReach => ({ device, attempts: 0, firstAttemptAt: null }));
  // Many publishes are to interests or users without a device.
  const settling: SettledPage | Promise<SettledPage> =
    devices.length === 0
      ? { deliveries: [], parked: [] }
      : settleOrPark(deps, devices, await deliver(deps, range, page.body, targets));
  return {
    record: async (endsRange = false) => {
      const { deliveries, parked } = await settling;
      const record = {
        instanceId: range.instanceId,
        publishId: range.publishId,
        rangeNumber: range.rangeNumber,
        claimToken: range.claimToken,
        cursor: page.cursor,
        deliveries,
        next: endsRange ? null : page.next,
        leaseMs: page.giveBack ? 0 : deps.leaseMs,
      };
      const recorded = await deps.recorder.record(() => runOne(deps.store.recordPages, record));
      // Lost or not: `stale` may also mean that it was recorded, only the answer was lost.
      for (const delivery of parked) deps.onParked(completeParked(deps, range, delivery));
      if (recorded.kind === 'stale') return 'lost';
      if (recorded.finished) deps.onFinished(range.instanceId);
      if (deliveries.some(({ outcome }) => outcome.kind === 'deferred')) deps.onDeferred();
      return recorded.canceled ? 'canceled' : 'ours';
    },
  };
}

interface SettledPage {
  readonly deliveries: readonly DeliveryRecord[];
  readonly parked: readonly ParkedDelivery[];
}

async function settleOrPark(
  deps: SendPageDeps,
  devices: readonly AudienceDevice[],
  records: readonly Promise<DeliveryRecord>[],
): Promise<SettledPage> {
  const settled = await settledWithin(records, deps.parkAfterMs);
  const parked: ParkedDelivery[] = [];
  const deliveries = records.map((record, index) => {
    const known = settled.get(index);
    if (known) return known;
    const claimToken = deps.ids.random();
    parked.push({ claimToken, record });
    const outcome = { kind: 'deferred', retryInMs: deps.leaseMs, attempts: 1, claimToken } as const;
    return deliveryRecord(devices[index] as AudienceDevice, outcome);
  });
  return { deliveries, parked };
}

async function completeParked(deps: SendPageDeps, publish: PublishKey, parked: ParkedDelivery): Promise<void> {
  const { instanceId, publishId } = publish;
  const delivery = await parked.record;
  const completion = { instanceId, publishId, claimToken: parked.claimToken, delivery };
  const recorded = await deps.recorder.record(() => runOne(deps.store.completeDeliveries, completion));
  if (recorded.kind === 'recorded' && recorded.finished) deps.onFinished(instanceId);
  if (delivery.outcome.kind === 'deferred') deps.onDeferred();
}
