import PushNotifications from '@pusher/push-notifications-server';
import { expect, onTestFinished, test } from 'vitest';
import { createSimulatedBrowser } from '../../demo/simulated-browser.ts';
import type { ApnsAnswer } from '../support/apns-service.ts';
import { startApnsService } from '../support/apns-service.ts';
import { createFcmService } from '../support/fcm-service.ts';
import type { Platform } from '../../src/protocol/ids.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import { createWebhookReceiver } from '../support/webhook-receiver.ts';
import { runPharos } from './serve-process.ts';

const backendHost = 'backend.customer.example';
const pushHost = 'updates.push.services.mozilla.com';
const secret = 'correct-horse-battery';
const authority = createTestAuthority();
const apnsToken = 'a1'.repeat(32);

/** An instance with credentials for both platforms, and a user `anna` who has a browser, an iPhone and an Android phone. */
async function open(options: Partial<Parameters<typeof startPharosProcess>[0]> = {}) {
  const state: { appleSays: ApnsAnswer | Promise<ApnsAnswer> } = { appleSays: 'accept' };
  const fcm = createFcmService();
  const apns = await startApnsService(authority, { answer: () => state.appleSays });
  const backend = createWebhookReceiver(secret);
  const front = await startTlsFront(authority, {
    ...fcm.handlers,
    [pushHost]: () => ({ status: 201 }),
    [backendHost]: backend.handler,
  });
  const pharos = await startPharosProcess({ authority, fronts: [front, apns], ...options });
  onTestFinished(async () => {
    await pharos.remove();
    await front.close();
    await apns.close();
  });
  const { id, secretKey } = await pharos.admin('POST', '/instances', { name: 'phones' });
  const instanceId = String(id);
  await pharos.admin('PUT', `/instances/${instanceId}/credentials/fcm`, { serviceAccount: fcm.serviceAccount });
  await pharos.admin('PUT', `/instances/${instanceId}/credentials/apns`, {
    environment: 'production',
    token: apns.key,
  });
  const events = ['v1.PublishToUsersAttempt'];
  await pharos.admin('POST', `/instances/${instanceId}/webhooks`, { url: `https://${backendHost}/`, events, secret });
  // The client's type knows no port.
  const client = { instanceId, secretKey: String(secretKey), endpoint: 'localhost', port: pharos.port };
  const beams = new PushNotifications(client);
  const call = async (method: string, path: string, body: object | null, token?: string) => {
    const response = await fetch(`${pharos.origin}/device_api/v1/instances/${instanceId}/devices${path}`, {
      method,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.status).toBe(200);
    return response.text();
  };
  const { subscription } = createSimulatedBrowser('anna', `https://${pushHost}/anna`);
  const tokens = { web: btoa(JSON.stringify(subscription)), fcm: 'android', apns: apnsToken };
  const register = async (platform: Platform, token: string, metadata = {}): Promise<string> => {
    const { id: deviceId } = JSON.parse(
      await call('POST', `/${platform}`, { token, bundleIdentifier: 'com.example.shop', metadata }),
    ) as { id: string };
    await call('PUT', `/${platform}/${deviceId}/user`, null, beams.generateToken('anna').token);
    return deviceId;
  };
  const deviceIds = {
    web: await register('web', tokens.web),
    fcm: await register('fcm', tokens.fcm),
    apns: await register('apns', tokens.apns),
  };
  const publish = async (platforms: readonly Platform[], changes: Partial<Record<Platform, object>> = {}) => {
    const content = {
      web: { notification: { title: 'Hi' } },
      fcm: { notification: { title: 'Hi' } },
      apns: { aps: { alert: 'Hi' } },
      ...changes,
    };
    const chosen = Object.fromEntries(platforms.map((platform) => [platform, content[platform]]));
    const webhookUrl = `https://${backendHost}/publish`;
    // The client's type wants more than its documentation.
    const { publishId } = await beams.publishToUsers(['anna'], { webhookUrl, ...chosen } as never);
    return publishId;
  };
  const finished = async (publishId: string) => {
    const isIt = ({ json }: (typeof backend.received)[number]): boolean =>
      json?.status === 'FINISHED' && json.publishId === publishId;
    return (await backend.waitFor('FINISHED', isIt, 60_000)).json?.results;
  };
  const attempt = async (publishId: string) => {
    const isIt = ({ json }: (typeof backend.received)[number]): boolean => json?.payload?.['publish_id'] === publishId;
    return (await backend.waitFor('the attempt', isIt, 60_000)).json?.payload;
  };
  return { fcm, apns, backend, pharos, state, instanceId, deviceIds, register, publish, finished, attempt };
}

const one = { numSuccessfulPublishes: 1, numFailedPublishes: 0 };

test('Apple hangs: the other platforms are recorded, later publishes to them end', async () => {
  const { apns, backend, pharos, state, instanceId, publish, finished } = await open();
  const { promise, resolve } = Promise.withResolvers<ApnsAnswer>();
  state.appleSays = promise;
  const publishId = await publish(['web', 'fcm', 'apns']);
  await waitFor('Apple to be asked', () => apns.requests.has(apnsToken));
  const accepted = async () => {
    const { counts } = (await pharos.admin('GET', `/instances/${instanceId}/publishes/${publishId}`)) as Shown;
    return { web: counts.web?.accepted ?? 0, fcm: counts.fcm?.accepted ?? 0, apns: counts.apns?.accepted ?? 0 };
  };
  await waitFor('the others to be recorded', async () => {
    const { web, fcm } = await accepted();
    return web + fcm === 2;
  });
  expect(await finished(await publish(['fcm']))).toEqual({ fcm: one });
  expect(await finished(await publish(['web', 'fcm']))).toEqual({ web: one, fcm: one });
  expect(backend.received.some(({ json }) => json?.status === 'FINISHED' && json.publishId === publishId)).toBe(false);
  expect(await accepted()).toEqual({ web: 1, fcm: 1, apns: 0 });
  state.appleSays = 'accept';
  resolve('accept');
  expect(await finished(publishId)).toEqual({ web: one, fcm: one, apns: one });
});

test('who could acknowledge and open a publish, who did, and the rates of both', async () => {
  const { pharos, instanceId, deviceIds, register, publish, finished } = await open();
  await register('fcm', 'too-old', { sdkVersion: '0.9.12' });
  await register('fcm', 'just-not-too-old', { sdkVersion: '0.9.13' });
  const publishId = await publish(['web', 'fcm', 'apns']);
  await finished(publishId);
  const report = async (platform: Platform, event: string, appInBackground: boolean) => {
    const response = await fetch(`${pharos.origin}/reporting_api/v2/instances/${instanceId}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ event, publishId, deviceId: deviceIds[platform], timestampSecs: 1_700_000_000, userId: 'anna' },
        ...{ appInBackground, hasDisplayableContent: true, hasData: false },
      }),
    });
    expect(response.status).toBe(200);
  };
  await report('web', 'delivery', false);
  await report('fcm', 'Delivery', true);
  await report('fcm', 'Open', false);
  await report('apns', 'Delivery', false);
  const insightsOf = async (id: string) =>
    (await pharos.admin('GET', `/instances/${instanceId}/publishes/${id}`))['insights'];
  expect(await insightsOf(publishId)).toEqual({
    web: { triggered: 1, acknowledged: 1, acknowledgementRate: 1, openable: 1, opened: 0, openRate: 0 },
    fcm: { triggered: 2, acknowledged: 1, acknowledgementRate: 0.5, openable: 1, opened: 1, openRate: 1 },
    apns: { triggered: 1, acknowledged: 1, acknowledgementRate: 1, openable: 0, opened: 0, openRate: null },
  });
  const environment = { PHAROS_URL: pharos.origin, PHAROS_DATA_DIR: pharos.dataDir };
  const command = runPharos(pharos.dataDir, ['publish', 'show', instanceId, publishId], environment);
  expect(await command.ended).toBe(0);
  expect(command.stdout()).toMatch(/^platform +accepted .*\nweb +1 .*\nfcm +3 .*\napns +1 /m);
  expect(command.stdout()).toMatch(
    /^platform +triggered .*\nweb +1 +1 +100\.0 % .*\nfcm +2 +1 +50\.0 % .* 100\.0 %\napns .* –$/m,
  );
  const untracked = { aps: { alert: 'Hi' }, pusher: { disable_delivery_tracking: true } };
  const quiet = await publish(['apns'], { apns: untracked });
  expect(await finished(quiet)).toEqual({ apns: one });
  expect(await insightsOf(quiet)).toEqual({});
});

interface Shown extends Record<string, unknown> {
  readonly counts: { readonly [Platform in 'web' | 'fcm' | 'apns']?: { readonly accepted: number } };
}

test('credentials that are refused pause the platform until its deliveries are given up: it failed, the others did not', async () => {
  const { fcm, apns, pharos, publish, finished, attempt } = await open({
    pushGiveUpAfterMs: 3_000,
    credentialsPauseMs: 500,
  });
  fcm.deleteAccount();
  apns.revokeKey();
  const before = apns.requests.get(apnsToken) ?? 0;
  const all = await publish(['web', 'fcm', 'apns']);
  const phones = await publish(['fcm', 'apns']);
  expect(await finished(all)).toEqual({ web: one, fcm: { failed: true }, apns: { failed: true } });
  expect(await finished(phones)).toEqual({ fcm: { failed: true }, apns: { failed: true } });
  expect(await attempt(all)).toMatchObject({ users_delivered_to_gateway: ['anna'], users_gateway_failed: [] });
  expect(await attempt(phones)).toMatchObject({ users_delivered_to_gateway: [], users_gateway_failed: ['anna'] });
  // Asked again after each pause, not by each delivery.
  expect(apns.requests.get(apnsToken)).toBeGreaterThan(before + 1);
  const said = pharos.output();
  expect(said).toContain('"platform.paused"');
  expect(said).not.toContain('PRIVATE KEY');
});
