import { uuidV7Time } from '../../protocol/ids.ts';
import type { InstanceDirectory } from '../instances/instance.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeliveryOutcome, GatewayBatch, Gateways, WebContent } from '../ports/gateway.ts';
import type { AudienceDevice, DeliveryRecord, FinalOutcome, PublishKey } from '../ports/publish-store.ts';
import type { PublishBody } from '../publish/publish-body.ts';
import { decideDelivery } from './decide-delivery.ts';
import type { DeliveryLog } from './delivery-log.ts';
import type { GoneBrake } from './gone-brake.ts';

export interface DeliverDeps {
  readonly gateways: Gateways;
  readonly instances: InstanceDirectory;
  readonly clock: Clock;
  readonly deliveryLog: DeliveryLog;
  readonly brake: Pick<GoneBrake, 'judge'>;
  /** From the first attempt on; the time to live ends it sooner. */
  readonly giveUpAfterMs: number;
}

/** A device of a page, or of a deferred delivery that has been tried before. */
export interface DeviceToReach {
  readonly device: AudienceDevice;
  /** Before this one. */
  readonly attempts: number;
  /** Null: this is the first. */
  readonly firstAttemptAt: number | null;
}

/** Sends one publish to some devices: a promise per device, in order, of what is to be recorded. None rejects. */
export async function deliver(
  deps: DeliverDeps,
  publish: PublishKey,
  body: PublishBody,
  devices: readonly DeviceToReach[],
): Promise<readonly Promise<DeliveryRecord>[]> {
  const instance = await deps.instances.findInstance(publish.instanceId);
  if (!instance) throw new Error(`publish ${publish.publishId} belongs to an unknown instance`);
  const relayedEvents = await deps.instances.listRelayedEvents(publish.instanceId);
  const outcomes = startDelivery(deps, { vapid: instance.vapid, relayedEvents }, publish, body, devices);
  return devices.map(async (target, index) => {
    const outcome = await (outcomes[index] as Promise<DeliveryOutcome>);
    return toRecord(deps, publish, body, target, outcome);
  });
}

function startDelivery(
  deps: DeliverDeps,
  told: Pick<GatewayBatch<WebContent>, 'vapid' | 'relayedEvents'>,
  publish: PublishKey,
  body: PublishBody,
  devices: readonly DeviceToReach[],
): readonly Promise<DeliveryOutcome>[] {
  const { web } = body.content;
  const outcomes = devices.map(({ device }) =>
    Promise.resolve<DeliveryOutcome>({ kind: 'rejected', reason: `nothing sends to ${device.platform} devices` }),
  );
  if (!web) return outcomes;
  const indices = devices.flatMap(({ device }, index) => (device.platform === 'web' ? [index] : []));
  const elapsedSeconds = Math.max(0, Math.floor((deps.clock() - startOf(publish, body)) / 1000));
  // RFC 8030, section 5.2: a time to live of zero is delivered now or never, so the first attempt is always made.
  if (web.timeToLiveSeconds > 0 && elapsedSeconds >= web.timeToLiveSeconds) {
    for (const index of indices) {
      outcomes[index] = Promise.resolve({ kind: 'failed', reason: 'its time to live is over', retryAfterMs: null });
    }
    return outcomes;
  }
  const sent = deps.gateways.web.deliver({
    ...publish,
    ...told,
    content: web,
    timeToLiveSeconds: Math.max(0, web.timeToLiveSeconds - elapsedSeconds),
    devices: indices.map((index) => (devices[index] as DeviceToReach).device),
  });
  indices.forEach((index, position) => {
    outcomes[index] = sent[position] as Promise<DeliveryOutcome>;
  });
  return outcomes;
}

/** The time to live begins when the publish was accepted, or when it was to be sent. */
const startOf = (publish: PublishKey, body: PublishBody): number => body.sendAfter ?? uuidV7Time(publish.publishId);

function toRecord(
  deps: DeliverDeps,
  publish: PublishKey,
  body: PublishBody,
  target: DeviceToReach,
  outcome: DeliveryOutcome,
): DeliveryRecord {
  const { device } = target;
  const now = deps.clock();
  const attempts = target.attempts + 1;
  const expiresAt = startOf(publish, body) + (body.content.web?.timeToLiveSeconds ?? 0) * 1000;
  const decision = decideDelivery({
    outcome,
    attempts,
    now,
    giveUpAt: Math.min((target.firstAttemptAt ?? now) + deps.giveUpAfterMs, expiresAt),
    jitter: Math.random(),
  });
  const { deviceNumber, platform, userNumber, address } = device;
  const record: DeliveryRecord = {
    deviceNumber,
    platform,
    userNumber,
    address,
    outcome:
      decision.kind === 'deferred'
        ? { ...decision, attempts, claimToken: null }
        : settledOutcome(deps, device, decision),
  };
  deps.deliveryLog.add(publish, record, outcome);
  return record;
}

function settledOutcome(
  { brake }: DeliverDeps,
  device: AudienceDevice,
  { kind }: { readonly kind: FinalOutcome },
): DeliveryRecord['outcome'] {
  if (kind !== 'accepted' && kind !== 'gone') return { kind };
  return brake.judge(device, kind) === 'keep' ? { kind, keepDevice: true } : { kind };
}
