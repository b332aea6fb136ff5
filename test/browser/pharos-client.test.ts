import { describe, expect, onTestFinished, test } from 'vitest';
import { browserNames } from '../support/browser.ts';
import { startCustomerSite } from '../support/customer-site.ts';
import { useClassicWorld } from './classic-world.ts';
import { startSdk } from './page-sdk.ts';

describe.each(browserNames)('the client of our page script in %s', (browserName) => {
  const world = useClassicWorld(browserName);

  test("has Beams' methods, from start to stop", async () => {
    const site = await world.open({ init: '' });
    const page = await world.openPage(site.origin);
    const { deviceId } = site.server;
    expect(await page.evaluate(goThroughLife, site.instanceId)).toEqual({
      states: [
        'PERMISSION_GRANTED_NOT_REGISTERED_WITH_BEAMS',
        'PERMISSION_GRANTED_REGISTERED_WITH_BEAMS',
        'PERMISSION_GRANTED_NOT_REGISTERED_WITH_BEAMS',
      ],
      deviceIds: [null, deviceId, null],
      userIds: [null, 'ann', null],
      interests: { interests: ['news'] },
      refusals: [
        'Pharos: this browser is not registered; call start() first',
        'Pharos: this device has another user; call stop() first',
        'Pharos: "no spaces" is no interest: 1 to 164 characters of A-Z a-z 0-9 _ - = @ , . ;',
      ],
    });
    const device = `/devices/web/${deviceId}`;
    const [registration, ...calls] = site.server.deviceCalls;
    expect(registration?.call).toBe('POST /devices/web');
    expect(calls).toEqual([
      { call: `POST ${device}/interests/a%3Bb%40c`, body: '', authorization: undefined },
      { call: `DELETE ${device}/interests/news`, body: '', authorization: undefined },
      { call: `PUT ${device}/interests`, body: '{"interests":["a","b"]}', authorization: undefined },
      { call: `PUT ${device}/interests`, body: '{"interests":[]}', authorization: undefined },
      { call: `PUT ${device}/user`, body: '', authorization: 'Bearer token of ann' },
      { call: `DELETE ${device}`, body: '', authorization: undefined },
    ]);
  });

  test("shares the device with Beams' page SDK", async () => {
    const { server, instanceId } = await world.open();
    const serviceWorker = `importScripts('${server.origin}/pharos/worker.js');`;
    const site = await startCustomerSite({ serviceWorker });
    onTestFinished(() => site.close());
    const page = await world.openPage(site.origin);
    expect(await page.evaluate(startSdk, instanceId, server.origin)).toBe(server.deviceId);

    await page.addScriptTag({ url: `${server.origin}/pharos/page.js` });
    expect(await page.evaluate(startOurs, instanceId)).toBe(server.deviceId);
    expect(await page.evaluate(startSdk, instanceId, server.origin)).toBe(server.deviceId);
    expect(server.registrations()).toBe(1);
  });
});

async function startOurs(instanceId: string): Promise<string | null> {
  const client = new Pharos.Client({ instanceId });
  await client.start();
  return client.getDeviceId();
}

interface PageClient {
  readonly start: () => Promise<unknown>;
  readonly stop: () => Promise<void>;
  readonly getRegistrationState: () => Promise<string>;
  readonly getDeviceId: () => Promise<string | null>;
  readonly getUserId: () => Promise<string | null>;
  readonly setUserId: (userId: string, tokens: object) => Promise<void>;
  readonly addDeviceInterest: (interest: string) => Promise<void>;
  readonly removeDeviceInterest: (interest: string) => Promise<void>;
  readonly setDeviceInterests: (interests: string[]) => Promise<void>;
  readonly clearDeviceInterests: () => Promise<void>;
  readonly getDeviceInterests: () => Promise<object>;
}
declare const Pharos: {
  readonly Client: new (options: { instanceId: string; serviceWorkerPaths?: string[] }) => PageClient;
};

async function goThroughLife(instanceId: string): Promise<object> {
  const client = new Pharos.Client({ instanceId, serviceWorkerPaths: ['/missing.js', '/OneSignalSDKWorker.js'] });
  const [states, deviceIds, userIds]: [string[], (string | null)[], (string | null)[]] = [[], [], []];
  const look = async () => {
    states.push(await client.getRegistrationState());
    deviceIds.push(await client.getDeviceId());
    userIds.push(await client.getUserId());
  };
  const refusals: string[] = [];
  const refused = (call: Promise<void>) => call.catch((error: Error) => void refusals.push(error.message));
  const tokens = { fetchToken: async (userId: string) => ({ token: `token of ${userId}` }) };

  await look();
  await refused(client.addDeviceInterest('news'));
  await client.start();
  await client.start();
  await client.addDeviceInterest('a;b@c');
  await client.removeDeviceInterest('news');
  await client.setDeviceInterests(['a', 'b', 'a']);
  await client.clearDeviceInterests();
  const interests = await client.getDeviceInterests();
  await client.setUserId('ann', tokens);
  await refused(client.setUserId('bob', tokens));
  await refused(client.addDeviceInterest('no spaces'));
  await look();
  await client.stop();
  await client.stop();
  await look();
  return { states, deviceIds, userIds, interests, refusals };
}
