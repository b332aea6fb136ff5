import { readInstance, updateInstance } from '../../browser/instance-record.ts';
import type { ClientOptions } from '../client.ts';
import { Client, isSupported } from '../client.ts';
import type { WebhookOptions } from '../parse-webhooks.ts';
import type { Listener } from './emitter.ts';
import { Emitter } from './emitter.ts';
import { watchPermission, watchWorker } from './page-events.ts';
import { runItem } from './run-item.ts';

/** Options of the classic `init` that mean something here; others are passed over. */
export interface InitOptions {
  /** The instance id. */
  readonly appId: string;
  readonly webhooks?: WebhookOptions;
  /** Ask for permission at once; browsers want a click first. */
  readonly autoRegister?: boolean;
  readonly serviceWorkerPath?: string;
  readonly serviceWorkerParam?: { readonly scope?: string };
  /** Ours: origin of the server; by default the one this script came from. */
  readonly endpointOverride?: string;
}

type Callback<Value> = (value: Value) => unknown;
type Tags = Readonly<Record<string, string | number | boolean | null>>;

/** Classic sites have this file; ad-blockers know its name, so a neutral one is looked for too. */
const workerPaths = ['/OneSignalSDKWorker.js', '/service-worker.js'];

/**
 * The classic page API (v15) over our client. Every method may be called before `init` has ended and then waits for it;
 * those that answer take a callback as their last argument too. What speaks of the device waits until the visitor has one.
 */
export class OneSignal {
  readonly #emitter = new Emitter(runItem);
  readonly #registered = new Deferred<Client>();
  readonly #initialized = new Deferred<Client>();
  #initializing = false;
  #wasEnabled = false;

  /** A function is called, an array is a method's name and its arguments. */
  push(...items: readonly unknown[]): void {
    for (const item of items)
      runItem(() => {
        if (typeof item === 'function') return (item as () => unknown)();
        const [name, ...args] = Array.isArray(item) ? (item as readonly unknown[]) : [];
        const method = (this as unknown as Record<string, unknown>)[String(name)];
        if (typeof method !== 'function') throw new Error(`Pharos: OneSignal has no method "${String(name)}"`);
        return method.apply(this, args) as unknown;
      });
  }

  /** "`init` twice is an error that says so." One that was refused may be called again. */
  async init(options: InitOptions): Promise<void> {
    if (this.#initializing) throw new Error('Pharos: OneSignal.init was called twice; a page calls it once');
    const { appId, webhooks = {}, serviceWorkerPath, serviceWorkerParam, endpointOverride, autoRegister } = options;
    if (!isSupported()) return console.info('Pharos: this browser has no web push here.');
    const clientOptions: ClientOptions = {
      instanceId: appId,
      webhooks,
      serviceWorkerPaths: serviceWorkerPath ? [new URL(serviceWorkerPath, location.origin).pathname] : workerPaths,
      ...(serviceWorkerParam?.scope && { serviceWorkerScope: serviceWorkerParam.scope }),
      ...(endpointOverride && { endpointOverride }),
    };
    const client = new Client(clientOptions);
    this.#initializing = true;
    await client.whenReady().catch((error: unknown) => {
      this.#initializing = false;
      throw error;
    });
    watchWorker((event, detail) => this.#emitter.emit(event, detail));
    runItem(() => watchPermission((event, detail) => this.#emitter.emit(event, detail)));
    this.#wasEnabled = await isEnabled(client);
    this.#initialized.resolve(client);
    // A visitor who has said yes is registered again at every visit, which also takes over those of another server.
    if (Notification.permission === 'granted' || autoRegister) await this.registerForPushNotifications();
  }

  on(event: string, listener: Listener): void {
    this.#emitter.on(event, listener);
  }

  off(event: string, listener: Listener): void {
    this.#emitter.off(event, listener);
  }

  once(event: string, listener: Listener): void {
    this.#emitter.once(event, listener);
  }

  isPushNotificationsSupported(): boolean {
    return isSupported();
  }

  getNotificationPermission(callback?: Callback<NotificationPermission>): Promise<NotificationPermission> {
    return answer(Promise.resolve(Notification.permission), callback);
  }

  /** Asks for permission if it must, and registers this browser. */
  async registerForPushNotifications(): Promise<void> {
    const client = await this.#initialized.promise;
    await client.start().catch(async (error: unknown) => {
      // A server that does not answer now does not unmake the device.
      if (await client.getDeviceId()) this.#registered.resolve(client);
      throw error;
    });
    const { externalId } = (await readInstance(client.instanceId)) ?? {};
    if (externalId) await client.setAlias(externalId);
    this.#registered.resolve(client);
    await this.#tellChange(client);
  }

  showNativePrompt(): Promise<void> {
    return this.registerForPushNotifications();
  }

  /** The player id: "our device id without its `web-` prefix"; null without a subscription. */
  getUserId(callback?: Callback<string | null>): Promise<string | null> {
    return this.#answer(async (client) => (await client.getDeviceId())?.replace(/^web-/, '') ?? null, callback);
  }

  isPushNotificationsEnabled(callback?: Callback<boolean>): Promise<boolean> {
    return this.#answer(isEnabled, callback);
  }

  async setSubscription(enabled: boolean): Promise<void> {
    const client = await this.#registered.promise;
    await client.setMuted(!enabled);
    await this.#tellChange(client);
  }

  getSubscription(callback?: Callback<boolean>): Promise<boolean> {
    return this.#answer(async (client) => !(await client.isMuted()), callback);
  }

  /**
   * Without a token an *unverified* alias, which never makes the device reachable by a publish to users. With a token
   * that is signed with the instance's secret key (a JWT) it sets the user.
   */
  async setExternalUserId(externalId: string, token?: string): Promise<void> {
    const client = await this.#initialized.promise;
    if (token && token.split('.').length === 3) {
      const registered = await this.#registered.promise;
      return registered.setUserId(externalId, { fetchToken: async () => ({ token }) });
    }
    await this.#setAlias(client, externalId);
  }

  async removeExternalUserId(): Promise<void> {
    await this.#setAlias(await this.#initialized.promise, null);
  }

  /** Of a browser that is not registered yet it is remembered, and sent when it is. */
  async #setAlias(client: Client, externalId: string | null): Promise<void> {
    await updateInstance(client.instanceId, { externalId });
    if (await client.getDeviceId()) await client.setAlias(externalId);
  }

  getExternalUserId(callback?: Callback<string | null>): Promise<string | null> {
    return this.#answer(
      async (client) => (await client.getUserId()) ?? (await readInstance(client.instanceId))?.externalId ?? null,
      callback,
    );
  }

  sendTag(key: string, value: string | number | boolean): Promise<Tags> {
    return this.sendTags({ [key]: value });
  }

  /** Answers what was sent. */
  async sendTags(tags: Tags): Promise<Tags> {
    const texts = Object.entries(tags).map(([key, value]) => [key, value === null ? null : String(value)] as const);
    await (await this.#registered.promise).setTags(Object.fromEntries(texts));
    return tags;
  }

  async deleteTag(key: string): Promise<readonly string[]> {
    return this.deleteTags([key]);
  }

  async deleteTags(keys: readonly string[]): Promise<readonly string[]> {
    await this.sendTags(Object.fromEntries(keys.map((key) => [key, null])));
    return keys;
  }

  getTags(callback?: Callback<Tags>): Promise<Tags> {
    return answer(
      this.#registered.promise.then((client) => client.getTags()),
      callback,
    );
  }

  async setDefaultNotificationUrl(url: string): Promise<void> {
    await (await this.#initialized.promise).setDefaultUrl(url);
  }

  async setDefaultTitle(title: string): Promise<void> {
    await (await this.#initialized.promise).setDefaultTitle(title);
  }

  #answer<Value>(ask: (client: Client) => Promise<Value>, callback?: Callback<Value>): Promise<Value> {
    return answer(this.#initialized.promise.then(ask), callback);
  }

  async #tellChange(client: Client): Promise<void> {
    const enabled = await isEnabled(client);
    if (enabled === this.#wasEnabled) return;
    this.#wasEnabled = enabled;
    this.#emitter.emit('subscriptionChange', enabled);
  }
}

/** `Promise.withResolvers`, which browsers with web push may lack. */
class Deferred<Value> {
  resolve!: (value: Value) => void;
  readonly promise = new Promise<Value>((resolve) => (this.resolve = resolve));
}

async function isEnabled(client: Client): Promise<boolean> {
  return Notification.permission === 'granted' && (await client.getDeviceId()) !== null && !(await client.isMuted());
}

function answer<Value>(value: Promise<Value>, callback?: Callback<Value>): Promise<Value> {
  if (callback) runItem(() => value.then(callback));
  return value;
}
