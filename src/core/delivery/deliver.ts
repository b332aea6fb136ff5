import type { Platform } from '../../protocol/ids.ts';
import { platforms, uuidV7Time } from '../../protocol/ids.ts';
import type { Instance, InstanceDirectory } from '../instances/instance.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeliveryOutcome, Gateways } from '../ports/gateway.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { AudienceDevice, DeliveryRecord, FinalOutcome, PublishKey } from '../ports/publish-store.ts';
import type { PublishBody } from '../ports/publish-body.ts';
import { decideDelivery } from './decide-delivery.ts';
import type { DeliveryLog } from './delivery-log.ts';
import { deliveryRecord } from './delivery-record.ts';
import type { GoneBrake } from './gone-brake.ts';

export interface DeliverDeps {
  readonly gateways: { readonly [Platform in keyof Gateways]: Pick<Gateways[Platform], 'deliver'> };
  readonly instances: InstanceDirectory;
  readonly clock: Clock;
  readonly deliveryLog: DeliveryLog;
  readonly metrics: Pick<Metrics, 'deliveryAttempted'>;
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
  const outcomes: Promise<DeliveryOutcome>[] = [];
  for (const platform of platforms) {
    const indices = devices.flatMap(({ device }, index) => (device.platform === platform ? [index] : []));
    if (indices.length === 0) continue;
    const reached = indices.map((index) => (devices[index] as DeviceToReach).device);
    const sent = await startDelivery(deps, { instance, publish, body }, platform, reached);
    indices.forEach((index, position) => {
      outcomes[index] = sent[position] as Promise<DeliveryOutcome>;
    });
  }
  return devices.map(async (target, index) => {
    const outcome = await (outcomes[index] as Promise<DeliveryOutcome>);
    return toRecord(deps, publish, body, target, outcome);
  });
}

interface Sending {
  readonly instance: Instance;
  readonly publish: PublishKey;
  readonly body: PublishBody;
}

/** Hands devices of one platform to its gateway. */
async function startDelivery(
  deps: DeliverDeps,
  sending: Sending,
  platform: Platform,
  devices: readonly AudienceDevice[],
): Promise<readonly Promise<DeliveryOutcome>[]> {
  const { instance, publish, body } = sending;
  const { web, fcm, apns } = body.content;
  const timeToLiveSeconds = body.content[platform]?.timeToLiveSeconds ?? 0;
  const elapsedSeconds = Math.max(0, Math.floor((deps.clock() - startOf(publish, body)) / 1000));
  const all = (outcome: DeliveryOutcome) => devices.map(() => Promise.resolve(outcome));
  // RFC 8030, section 5.2: a time to live of zero is delivered now or never, so the first attempt is always made.
  if (timeToLiveSeconds > 0 && elapsedSeconds >= timeToLiveSeconds) {
    return all({ kind: 'failed', reason: 'its time to live is over', retryAfterMs: null });
  }
  const rest = { ...publish, timeToLiveSeconds: Math.max(0, timeToLiveSeconds - elapsedSeconds), devices };
  const noCredentials = (service: string): DeliveryOutcome => ({
    kind: 'unauthorized',
    reason: `no ${service} credentials are set for this instance`,
    retryAfterMs: null,
  });
  if (platform === 'web' && web) {
    const relayedEvents = await deps.instances.listRelayedEvents(publish.instanceId);
    return deps.gateways.web.deliver({ ...rest, content: web, sender: { vapid: instance.vapid, relayedEvents } });
  }
  if (platform === 'fcm' && fcm) {
    const sender = await deps.instances.findFcmCredentials(publish.instanceId);
    return sender ? deps.gateways.fcm.deliver({ ...rest, content: fcm, sender }) : all(noCredentials('FCM'));
  }
  if (platform === 'apns' && apns) {
    const sender = await deps.instances.findApnsCredentials(publish.instanceId);
    return sender ? deps.gateways.apns.deliver({ ...rest, content: apns, sender }) : all(noCredentials('APNs'));
  }
  throw new Error(`publish ${publish.publishId} has nothing for ${platform}`);
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
  const expiresAt = startOf(publish, body) + (body.content[device.platform]?.timeToLiveSeconds ?? 0) * 1000;
  const decision = decideDelivery({
    outcome,
    attempts,
    now,
    giveUpAt: Math.min((target.firstAttemptAt ?? now) + deps.giveUpAfterMs, expiresAt),
    jitter: Math.random(),
  });
  const record = deliveryRecord(
    device,
    decision.kind === 'deferred'
      ? { ...decision, attempts, claimToken: null }
      : settledOutcome(deps, body, device, decision),
  );
  deps.metrics.deliveryAttempted(device.platform, record.outcome.kind);
  deps.deliveryLog.add(publish, record, outcome);
  return record;
}

function settledOutcome(
  { brake }: DeliverDeps,
  { content }: PublishBody,
  device: AudienceDevice,
  { kind }: { readonly kind: FinalOutcome },
): DeliveryRecord['outcome'] {
  if (kind !== 'accepted' && kind !== 'gone') return { kind };
  const verdict = brake.judge(device, kind);
  if (kind === 'gone') return verdict === 'keep' ? { kind, keepDevice: true } : { kind };
  const isTracked = device.tracksDelivery && (device.platform !== 'apns' || content.apns?.tracksDelivery === true);
  return isTracked ? { kind, tracked: true } : { kind };
}
