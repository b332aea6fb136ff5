/** What runs inside a customer's page, over Beams' official page SDK. Each function is sent there by `page.evaluate`. */

interface PageClient {
  readonly start: () => Promise<unknown>;
  readonly stop: () => Promise<void>;
  readonly getDeviceId: () => Promise<string>;
  readonly addDeviceInterest: (interest: string) => Promise<void>;
  readonly getDeviceInterests: (limit?: number, cursor?: string) => Promise<InterestPage>;
  readonly setUserId: (userId: string, provider: TokenProvider) => Promise<void>;
  readonly getRegistrationState: () => Promise<string>;
}

interface InterestPage {
  readonly interests: readonly string[];
  readonly nextCursor?: string;
}

interface TokenProvider {
  readonly fetchToken: (userId: string) => Promise<{ token: string }>;
}

declare const PusherPushNotifications: {
  readonly Client: new (options: { instanceId: string; endpointOverride: string }) => PageClient;
  readonly TokenProvider: new (options: { url: string }) => TokenProvider;
};
declare const window: { client: PageClient };
declare const Notification: { readonly permission: string };
interface WorkerRegistration {
  readonly pushManager: { getSubscription: () => Promise<object | null> };
  readonly active: { readonly state: string } | null;
  readonly waiting: object | null;
  readonly installing: object | null;
  readonly update: () => Promise<unknown>;
}
declare const navigator: { readonly serviceWorker: { readonly ready: Promise<WorkerRegistration> } };
declare const document: { readonly hasFocus: () => boolean };

/** Starts the SDK and answers the device id. */
export async function startSdk(instanceId: string, endpointOverride: string): Promise<string> {
  window.client = new PusherPushNotifications.Client({ instanceId, endpointOverride });
  await window.client.start();
  return window.client.getDeviceId();
}

/** Answers the interests that the server then knows. */
export async function addInterest(interest: string): Promise<readonly string[]> {
  await window.client.addDeviceInterest(interest);
  return (await window.client.getDeviceInterests()).interests;
}

/** With a token from the site's auth endpoint. */
export const setUser = (userId: string): Promise<void> =>
  window.client.setUserId(userId, new PusherPushNotifications.TokenProvider({ url: '/beams-auth' }));

export const stopSdk = (): Promise<void> => window.client.stop();

export async function hasSubscription(): Promise<boolean> {
  const { pushManager } = await navigator.serviceWorker.ready;
  return (await pushManager.getSubscription()) !== null;
}

/** Makes a client and does not start it. */
export function createClient(instanceId: string, endpointOverride: string): void {
  window.client = new PusherPushNotifications.Client({ instanceId, endpointOverride });
}

/** Calls a method by its name; what is no JSON, such as the client itself, comes back as undefined. */
export async function callClient(method: string, args: readonly unknown[]): Promise<unknown> {
  const client = window.client as unknown as Record<string, (...all: readonly unknown[]) => Promise<unknown>>;
  const answer = await client[method]?.(...args);
  return answer === window.client ? undefined : answer;
}

/** Follows `nextCursor` to the end. */
export async function listAllInterests(): Promise<{ readonly interests: readonly string[]; readonly pages: number }> {
  const interests: string[] = [];
  let pages = 0;
  let cursor: string | undefined;
  do {
    const page = await window.client.getDeviceInterests(100, cursor);
    interests.push(...page.interests);
    cursor = page.nextCursor;
    pages += 1;
  } while (cursor !== undefined);
  return { interests, pages };
}

export const registrationState = (): Promise<string> => window.client.getRegistrationState();

export const permission = (): string => Notification.permission;

/** Whether the site's worker file of today is the one that gets the pushes. */
export async function workerIsSettled(): Promise<boolean> {
  const registration = await navigator.serviceWorker.ready;
  await registration.update();
  const { active, waiting, installing } = registration;
  return active?.state === 'activated' && !waiting && !installing;
}

export const hasFocus = (): boolean => document.hasFocus();
