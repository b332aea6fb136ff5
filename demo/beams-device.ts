import type { SimulatedBrowser } from './simulated-browser.ts';

export interface BeamsDevice {
  readonly browser: SimulatedBrowser;
  /** `web-<uuid>` */
  readonly id: string;
  readonly setUser: (userId: string, token: string) => Promise<void>;
  readonly addInterest: (interest: string) => Promise<void>;
  /** What the service worker tells: the notification was shown, or clicked. */
  readonly report: (event: 'delivery' | 'open', publishId: string) => Promise<void>;
}

/** Registers a browser as the Beams page SDK does, over plain HTTP. */
export async function registerBeamsDevice(
  origin: string,
  instanceId: string,
  browser: SimulatedBrowser,
): Promise<BeamsDevice> {
  const devices = `${origin}/device_api/v1/instances/${instanceId}/devices/web`;
  const token = btoa(JSON.stringify(browser.subscription));
  const { id } = (await call('POST', devices, { token, metadata: { sdkVersion: '2.1.0' } })) as { id: string };
  let userId: string | null = null;
  return {
    browser,
    id,
    setUser: async (user, userToken) => {
      await call('PUT', `${devices}/${id}/user`, undefined, { authorization: `Bearer ${userToken}` });
      userId = user;
    },
    addInterest: async (interest) => {
      await call('POST', `${devices}/${id}/interests/${encodeURIComponent(interest)}`);
    },
    report: async (event, publishId) => {
      const timestampSecs = Math.floor(Date.now() / 1000);
      await call('POST', `${origin}/reporting_api/v2/instances/${instanceId}/events`, {
        event,
        publishId,
        deviceId: id,
        userId,
        timestampSecs,
      });
    },
  };
}

/** Registers an app on a phone as the mobile SDKs do, with its user; answers the device id. */
export async function registerBeamsPhone(
  origin: string,
  instanceId: string,
  platform: 'fcm' | 'apns',
  token: string,
  userToken: string,
): Promise<string> {
  const devices = `${origin}/device_api/v1/instances/${instanceId}/devices/${platform}`;
  const body = { token, bundleIdentifier: 'com.example.shop', metadata: { sdkVersion: '4.0.1' } };
  const { id } = (await call('POST', devices, body)) as { id: string };
  await call('PUT', `${devices}/${id}/user`, undefined, { authorization: `Bearer ${userToken}` });
  return id;
}

async function call(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return text === '' ? null : JSON.parse(text);
}
