import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { DeviceKey, RegisterDevice } from '../../core/ports/device-store.ts';
import type { InstanceRecord, WebhookOptions, WebhookRecord } from '../../core/ports/instance-store.ts';
import type { AttemptRecord, ClaimMessages } from '../../core/ports/message-store.ts';
import type {
  AcceptPublish,
  AudienceDevice,
  ClaimedRange,
  DeliveryRecord,
  PublishKey,
  PublishTarget,
  Recorded,
} from '../../core/ports/publish-store.ts';
import type { RecordReport } from '../../core/ports/report-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';

/** An empty store of the test's own; whoever gave the function closes it after the test. */
export type OpenStore = () => Promise<Store>;

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

export const anInstance = (change: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id: randomUUID(),
  name: 'shop',
  createdAt: 1_000,
  secretKey: bytes('sealed key'),
  previousSecretKey: null,
  vapidPublicKey: bytes('public'),
  vapidPrivateKey: bytes('sealed private'),
  allowedOrigins: null,
  feed: false,
  ...change,
});

export const aWebhookOptions = (change: Partial<WebhookOptions> = {}): WebhookOptions => ({
  signing: 'beams',
  retryPolicy: 'beams',
  maxInFlight: 64,
  maxPerSecond: null,
  filter: {},
  batch: null,
  ...change,
});

export const aWebhook = (instanceId: string, change: Partial<WebhookRecord> = {}): WebhookRecord => ({
  instanceId,
  id: randomUUID(),
  url: bytes('sealed url'),
  format: 'beams',
  events: ['v1.UserNotificationAcknowledgement'],
  options: aWebhookOptions(),
  secret: bytes('sealed secret'),
  previousSecret: null,
  signingKey: null,
  headers: null,
  customData: '{"a":1}',
  createdAt: 1_000,
  disabledAt: null,
  disabledReason: null,
  ...change,
});

export const aDevice = (instanceId: string, change: Partial<RegisterDevice> = {}): RegisterDevice => ({
  instanceId,
  deviceId: randomUUID(),
  platform: 'web',
  address: `https://push.example/${randomUUID()}`,
  keys: bytes('keys'),
  metadata: '{}',
  ...change,
});

/** An instance of its own, so that suites may share a store. */
export async function createInstance(store: Store): Promise<string> {
  const instance = anInstance();
  await runOne(store.createInstances, instance);
  return instance.id;
}

/** One with a device that has the interest `a`: publishes to it have a range. */
export async function createAudience(store: Store): Promise<string> {
  const instanceId = await createInstance(store);
  await register(store, instanceId, { interests: ['a'] });
  return instanceId;
}

export async function createWebhook(store: Store, webhook: WebhookRecord): Promise<WebhookRecord> {
  expect(await runOne(store.createWebhooks, webhook)).toBe('created');
  return webhook;
}

/** A registered device, of a user and with interests if given. */
export async function register(
  store: Store,
  instanceId: string,
  given: Partial<RegisterDevice> & { user?: string; interests?: readonly string[] } = {},
): Promise<DeviceKey & { readonly address: string }> {
  const { user, interests, ...change } = given;
  const device = aDevice(instanceId, change);
  await runOne(store.registerDevices, device);
  const key = { instanceId, platform: device.platform, deviceId: device.deviceId };
  if (user !== undefined) expect(await runOne(store.setDeviceUsers, { ...key, user, maxDevices: 100 })).toBe('set');
  if (interests) await runOne(store.replaceInterests, { ...key, interests });
  return { ...key, address: device.address };
}

export const toInterests = (...interests: string[]): PublishTarget => ({ kind: 'interests', interests });
export const toUsers = (...users: string[]): PublishTarget => ({ kind: 'users', users });

export async function accept(
  store: Store,
  instanceId: string,
  target: PublishTarget,
  change: Partial<AcceptPublish> = {},
): Promise<PublishKey> {
  const publishId = uuidV7();
  const item: AcceptPublish = {
    instanceId,
    publishId,
    target,
    platforms: ['web'],
    body: { content: {} },
    urlTarget: null,
    ...change,
  };
  expect(await runOne(store.acceptPublishes, item)).toMatchObject({ publishId });
  return { instanceId, publishId };
}

const long = { limit: 1_000, leaseMs: 60_000 };

/** Claims everything that is due and answers what belongs to the instance. */
export const claimRanges = async (store: Store, instanceId: string, claim = long): Promise<readonly ClaimedRange[]> =>
  (await runOne(store.claimRanges, claim)).filter((range) => range.instanceId === instanceId);
export const claimDeliveries = async (store: Store, instanceId: string, claim = long) =>
  (await runOne(store.claimDeliveries, claim)).filter((delivery) => delivery.instanceId === instanceId);
/** Claims for the targets of the instance whose turn it is, as much as the limit lets. */
export async function claimMessages(store: Store, instanceId: string, claim: Partial<ClaimMessages> = {}) {
  const turns = (await store.listTurns(1_000)).filter((target) => target.instanceId === instanceId);
  const targets = turns.map((target) => ({ ...target, room: 1_001, restMs: 0 }));
  return runOne(store.claimMessages, { ...long, targets, ...claim });
}

export const listMessages = async (store: Store, query: Parameters<Store['listMessages']>[0]) =>
  (await store.listMessages(query)).messages;

export async function claimRange(store: Store, publish: PublishKey, claim = long): Promise<ClaimedRange> {
  const range = (await claimRanges(store, publish.instanceId, claim)).find(
    ({ publishId }) => publishId === publish.publishId,
  );
  if (!range) throw new Error('the publish has no range that is due');
  return range;
}

export const deliveryOf = (
  { deviceNumber, platform, userNumber, address }: AudienceDevice,
  outcome: DeliveryRecord['outcome'],
): DeliveryRecord => ({ deviceNumber, platform, userNumber, address, outcome });

export const isFinished = async (store: Store, publish: PublishKey): Promise<boolean> =>
  (await store.summarizePublish(publish))?.finishedAt !== null;

/** Fans a publish out in one page, unless it was accepted for nobody; `outcome` by address. */
export async function fanOut(
  store: Store,
  publish: PublishKey,
  outcome: (address: string) => DeliveryRecord['outcome'] = () => ({ kind: 'accepted' }),
): Promise<Recorded> {
  if (await isFinished(store, publish)) return { kind: 'recorded', finished: true };
  const range = await claimRange(store, publish);
  const page = await store.readAudiencePage(range, range.cursor, 200);
  expect(page.next).toBeNull();
  const deliveries = page.devices.map((device) => deliveryOf(device, outcome(device.address)));
  return runOne(store.recordPages, { ...range, deliveries, next: null, leaseMs: 60_000 });
}

/** An attempt that was answered 200. */
export const anAttempt = (change: Partial<AttemptRecord> = {}): AttemptRecord => ({
  ...{ startedAt: 1, durationMs: 1, status: 200, error: null },
  ...{
    address: '192.0.2.1',
    responseHeaders: { server: 'test' },
    responseBody: 'thanks',
    requestHash: Buffer.from('hash of 16 bytes').toString('hex'),
  },
  ...change,
});

export const aReport = (
  { instanceId, publishId }: PublishKey,
  { platform, deviceId }: DeviceKey,
  change: Partial<RecordReport> = {},
): RecordReport => ({
  instanceId,
  publishId,
  platform,
  deviceId,
  kind: 'delivery',
  happenedAt: 1_000,
  notifiesUserWebhooks: true,
  appInBackground: null,
  hasDisplayableContent: true,
  hasData: false,
  ...change,
});
