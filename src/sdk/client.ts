import type { BeamsRow } from '../browser/beams-row.ts';
import { readBeamsRow, writeBeamsRow } from '../browser/beams-row.ts';
import type { InstanceRecord } from '../browser/instance-record.ts';
import { readInstance, updateInstance } from '../browser/instance-record.ts';
import { scriptVersion } from '../browser/script-version.ts';
import type { ClassicEvent } from '../protocol/push-payload.ts';
import type { ServerCall } from './call-server.ts';
import { callServer, unlessUnknown } from './call-server.ts';
import type { WebhookOptions } from './parse-webhooks.ts';
import { parseWebhooks } from './parse-webhooks.ts';
import { scriptOrigin } from './script-origin.ts';
import { subscribe, subscriptionToken } from './subscribe.ts';
import type { UserTokens } from './token-provider.ts';
import { bringUpToDate, registerWorker, tellWorker } from './worker-registration.ts';

export interface ClientOptions {
  readonly instanceId: string;
  /** Origin of the server; by default the one this script came from. */
  readonly endpointOverride?: string;
  /** A registration of the site's own, whose worker loads ours. */
  readonly serviceWorkerRegistration?: ServiceWorkerRegistration;
  /** The site's worker file, or several of which the first that exists is taken; by default `/service-worker.js`. */
  readonly serviceWorkerPaths?: readonly string[];
  readonly serviceWorkerScope?: string;
  /** Where the visitor's browser posts what happens to its notifications. Kept until another page says otherwise. */
  readonly webhooks?: WebhookOptions;
}

export const RegistrationState = {
  PERMISSION_PROMPT_REQUIRED: 'PERMISSION_PROMPT_REQUIRED',
  PERMISSION_GRANTED_NOT_REGISTERED_WITH_BEAMS: 'PERMISSION_GRANTED_NOT_REGISTERED_WITH_BEAMS',
  PERMISSION_GRANTED_REGISTERED_WITH_BEAMS: 'PERMISSION_GRANTED_REGISTERED_WITH_BEAMS',
  PERMISSION_DENIED: 'PERMISSION_DENIED',
} as const;
export type RegistrationState = keyof typeof RegistrationState;

const maxInterests = 5_000;
const interestName = /^[\w\-=@,.;]{1,164}$/;

/** Beams' page client, with its method set, and what Pharos adds. Methods reject with an `Error` that says what to do. */
export class Client {
  readonly instanceId: string;
  readonly #origin: string;
  readonly #ready: Promise<ServiceWorkerRegistration>;

  /** Throws for options that could never work. */
  constructor(options: ClientOptions) {
    const { instanceId, endpointOverride, webhooks = {} } = options;
    if (typeof instanceId !== 'string' || instanceId === '') throw new Error('Pharos: an instance id is required');
    const origin = endpointOverride ?? scriptOrigin;
    if (!origin) throw new Error('Pharos: `endpointOverride` must name the server of a page script in a bundle');
    if (!isSupported())
      throw new Error('Pharos: this browser has no web push here; it needs https (or localhost) and service workers');
    this.instanceId = instanceId;
    this.#origin = new URL(origin).origin;
    const record = { origin: this.#origin, webhooks: parseWebhooks(webhooks) };
    this.#ready = this.#prepare(options, record);
    // Whoever calls a method gets the error; nobody has to.
    this.#ready.catch((error: unknown) => console.error(error));
  }

  async #prepare(options: ClientOptions, record: Partial<InstanceRecord>): Promise<ServiceWorkerRegistration> {
    await updateInstance(this.instanceId, record);
    const { serviceWorkerRegistration: given, serviceWorkerPaths: paths = ['/service-worker.js'] } = options;
    const registration = given ? await bringUpToDate(given) : await registerWorker(paths, options.serviceWorkerScope);
    const flush = () => tellWorker(registration.active, { pharos: 'flush' });
    addEventListener('online', flush);
    flush();
    return registration;
  }

  /** Resolves when the page's settings are stored and the worker runs; rejects when that failed. */
  async whenReady(): Promise<void> {
    await this.#ready;
  }

  /** Asks for permission if it must, subscribes and registers this browser. Safe to call at every visit. */
  async start(): Promise<this> {
    const registration = await this.#ready;
    if (Notification.permission === 'default') await Notification.requestPermission();
    const { vapidPublicKey, relayedEvents } = await callServer<{
      readonly vapidPublicKey: string;
      readonly relayedEvents: readonly ClassicEvent[];
    }>({ method: 'GET', url: `${this.#pageApi}/page-settings` });
    await updateInstance(this.instanceId, { vapidPublicKey, relayedEvents });
    const token = subscriptionToken(await subscribe(registration, vapidPublicKey));
    const row = await readBeamsRow(this.instanceId);
    if (!row?.device_id || !(await this.#keepDevice(row, token))) await this.#register(token);
    return this;
  }

  /** False for a device that the server does not know: it was deleted, or another server made it. */
  async #keepDevice({ device_id, token: known }: BeamsRow, token: string): Promise<boolean> {
    if (known === token)
      return (await unlessUnknown(callServer({ method: 'GET', url: this.#deviceUrl(device_id) }))) !== null;
    const url = `${this.#pageApi}/devices/${device_id}/subscription`;
    if ((await unlessUnknown(callServer({ method: 'PUT', url, body: { token } }))) === null) return false;
    await writeBeamsRow(this.instanceId, { token });
    return true;
  }

  async #register(token: string): Promise<void> {
    const body = { token, metadata: { sdkVersion: `pharos-${scriptVersion}` } };
    const { id } = await callServer<{ readonly id: string }>({
      method: 'POST',
      url: `${this.#deviceApi}/devices/web`,
      body,
    });
    await writeBeamsRow(this.instanceId, { token, device_id: id, user_id: null });
  }

  /** Gives the device up, here and at the server. */
  async stop(): Promise<void> {
    const deviceId = await this.getDeviceId();
    if (!deviceId) return;
    await callServer({ method: 'DELETE', url: this.#deviceUrl(deviceId) });
    await writeBeamsRow(this.instanceId, { device_id: null, token: null, user_id: null });
    const subscription = await (await this.#ready).pushManager.getSubscription();
    await subscription?.unsubscribe();
  }

  async clearAllState(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async getRegistrationState(): Promise<RegistrationState> {
    if (Notification.permission === 'denied') return 'PERMISSION_DENIED';
    if (Notification.permission === 'default') return 'PERMISSION_PROMPT_REQUIRED';
    return (await this.getDeviceId())
      ? 'PERMISSION_GRANTED_REGISTERED_WITH_BEAMS'
      : 'PERMISSION_GRANTED_NOT_REGISTERED_WITH_BEAMS';
  }

  /** `web-<uuid>`, or null before `start()` and when the visitor has taken the permission back. */
  async getDeviceId(): Promise<string | null> {
    return (await this.#row())?.device_id ?? null;
  }

  async getUserId(): Promise<string | null> {
    return (await this.#row())?.user_id ?? null;
  }

  /** The row, unless the browser holds no subscription any more. */
  async #row(): Promise<BeamsRow | undefined> {
    const registration = await this.#ready;
    const [row, subscription] = await Promise.all([
      readBeamsRow(this.instanceId),
      registration.pushManager.getSubscription(),
    ]);
    return subscription ? row : undefined;
  }

  /** The token says who the visitor is: it must name `userId` and be signed with the instance's secret key. */
  async setUserId(userId: string, tokenProvider: UserTokens): Promise<void> {
    const url = `${this.#deviceUrl(await this.#startedDevice())}/user`;
    if (typeof userId !== 'string' || userId === '') throw new Error('Pharos: a user id must be a string, not empty');
    const known = await this.getUserId();
    if (known !== null && known !== userId) throw new Error('Pharos: this device has another user; call stop() first');
    const { token } = await tokenProvider.fetchToken(userId);
    await callServer({ method: 'PUT', url, token });
    await writeBeamsRow(this.instanceId, { user_id: userId });
  }

  async addDeviceInterest(interest: string): Promise<void> {
    await this.#call('POST', checkInterest(interest));
  }

  async removeDeviceInterest(interest: string): Promise<void> {
    await this.#call('DELETE', checkInterest(interest));
  }

  /** A page of at most 100 interests; `nextCursor` is there when more follow. */
  async getDeviceInterests(
    limit = 100,
    cursor: string | null = null,
  ): Promise<{ readonly interests: readonly string[]; readonly nextCursor?: string }> {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor && { cursor }) });
    const device = this.#deviceUrl(await this.#startedDevice());
    const answer = await callServer<{
      readonly interests: readonly string[];
      readonly responseMetadata?: { readonly nextCursor?: string };
    }>({ method: 'GET', url: `${device}/interests?${query}` });
    return { interests: answer.interests, ...answer.responseMetadata };
  }

  async setDeviceInterests(interests: readonly string[]): Promise<void> {
    if (!Array.isArray(interests) || interests.length > maxInterests)
      throw new Error(`Pharos: interests must be an array of at most ${maxInterests}`);
    interests.forEach(checkInterest);
    await this.#call('PUT', '', { interests: [...new Set(interests)] });
  }

  clearDeviceInterests(): Promise<void> {
    return this.setDeviceInterests([]);
  }

  async #call(method: ServerCall['method'], path: string, body?: object): Promise<void> {
    const device = this.#deviceUrl(await this.#startedDevice());
    await callServer({ method, url: `${device}/interests${path}`, ...(body && { body }) });
  }

  /** Sets some tags; `null` or `""` removes one. */
  async setTags(tags: Readonly<Record<string, string | null>>): Promise<void> {
    await callServer({ method: 'PATCH', url: await this.#ownUrl('tags'), body: { tags } });
  }

  async getTags(): Promise<Readonly<Record<string, string>>> {
    type Answer = { readonly tags: Readonly<Record<string, string>> };
    return (await callServer<Answer>({ method: 'GET', url: await this.#ownUrl('tags') })).tags;
  }

  /** A name that nobody has proved: it never makes this device reachable by a publish to users. Null removes it. */
  async setAlias(externalId: string | null): Promise<void> {
    await callServer({ method: 'PUT', url: await this.#ownUrl('alias'), body: { externalId } });
  }

  /** A muted device stays, and no publish reaches it. */
  async setMuted(muted: boolean): Promise<void> {
    await callServer({ method: 'PUT', url: await this.#ownUrl('muted'), body: { muted } });
    await updateInstance(this.instanceId, { muted });
  }

  async isMuted(): Promise<boolean> {
    return (await readInstance(this.instanceId))?.muted ?? false;
  }

  /** What a click opens when a notification has no link; kept until it is set again. */
  setDefaultUrl(url: string): Promise<void> {
    return updateInstance(this.instanceId, { defaultUrl: new URL(url, location.href).href });
  }

  /** Title of notifications without one; kept until it is set again. */
  setDefaultTitle(title: string): Promise<void> {
    return updateInstance(this.instanceId, { defaultTitle: title });
  }

  async #startedDevice(): Promise<string> {
    const deviceId = await this.getDeviceId();
    if (!deviceId) throw new Error('Pharos: this browser is not registered; call start() first');
    return deviceId;
  }

  get #deviceApi(): string {
    return `${this.#origin}/device_api/v1/instances/${this.instanceId}`;
  }

  get #pageApi(): string {
    return `${this.#origin}/page_api/v1/instances/${this.instanceId}`;
  }

  #deviceUrl(deviceId: string | null): string {
    return `${this.#deviceApi}/devices/web/${deviceId}`;
  }

  async #ownUrl(what: 'tags' | 'alias' | 'muted'): Promise<string> {
    return `${this.#pageApi}/devices/${await this.#startedDevice()}/${what}`;
  }
}

export const isSupported = (): boolean =>
  isSecureContext && 'indexedDB' in window && 'serviceWorker' in navigator && 'PushManager' in window;

function checkInterest(interest: string): string {
  if (typeof interest !== 'string' || !interestName.test(interest))
    throw new Error(`Pharos: "${interest}" is no interest: 1 to 164 characters of A-Z a-z 0-9 _ - = @ , . ;`);
  return `/${encodeURIComponent(interest)}`;
}
