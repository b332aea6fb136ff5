import PushNotifications from '@pusher/push-notifications-server';
import { createHash, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSimulatedBrowser } from '../../demo/simulated-browser.ts';
import type { ApnsAnswer } from '../support/apns-service.ts';
import { startApnsService } from '../support/apns-service.ts';
import type { FcmAnswer } from '../support/fcm-service.ts';
import { createFcmService } from '../support/fcm-service.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import type { ReceivedWebhook } from '../support/webhook-receiver.ts';
import { createWebhookReceiver } from '../support/webhook-receiver.ts';
import { chosenBy, readSeed } from './seeded.ts';

/**
 * Users with several devices on several platforms; each device's fate is chosen by its name alone, so that a model that
 * knows nothing of Pharos says what a publish comes to. Kills in between change nothing.
 */
const userCount = Number(process.env['PHONE_USERS'] ?? 150);
const kills = 3;
const backendHost = 'backend.customer.example';
const pushHost = 'updates.push.services.mozilla.com';
const secret = 'correct-horse-battery';
const expiring = 'v1.CredentialsExpiring';
const platforms = ['web', 'fcm', 'apns'] as const;
type Platform = (typeof platforms)[number];

/** `flaky`: the first attempts are refused for now; a kill may repeat them. */
const fates = ['accepted', 'accepted', 'accepted', 'gone', 'rejected', 'flaky'] as const;
type Fate = (typeof fates)[number];

interface Device {
  readonly user: string;
  readonly platform: Platform;
  /** Token of a phone, path of a browser's endpoint. */
  readonly name: string;
  readonly fate: Fate;
}

const isReached = ({ fate }: Device): boolean => fate === 'accepted' || fate === 'flaky';

function chooseDevices(seed: number, users: readonly string[]): readonly Device[] {
  return users.flatMap((user) =>
    platforms.flatMap((platform) =>
      Array.from({ length: chosenBy(4, seed, user, platform) }, (_, index): Device => {
        const name = createHash('sha256').update(`${seed} ${user} ${platform} ${index}`).digest('hex');
        return { user, platform, name, fate: fates[chosenBy(fates.length, seed, name)] ?? 'accepted' };
      }),
    ),
  );
}

/** What v1.PublishToUsersAttempt and FINISHED have to say. */
function model(users: readonly string[], devices: readonly Device[]) {
  const groups = Map.groupBy(devices, ({ user }) => user);
  const of = (user: string): readonly Device[] => groups.get(user) ?? [];
  const counts = (platform: Platform) => {
    const all = users.flatMap(of).filter((device) => device.platform === platform);
    const reached = all.filter(isReached).length;
    return { numSuccessfulPublishes: reached, numFailedPublishes: all.length - reached };
  };
  return {
    users_delivered_to_gateway: users.filter((user) => of(user).some(isReached)),
    users_no_devices: users.filter((user) => of(user).length === 0),
    users_gateway_failed: users.filter((user) => of(user).length > 0 && !of(user).some(isReached)),
    results: Object.fromEntries(platforms.map((platform) => [platform, counts(platform)])),
  };
}

test(
  'what becomes of users with several platforms is what a model says, kills or not',
  { timeout: 1_800_000 },
  async () => {
    const seed = readSeed();
    console.log(`FAULT_SEED=${seed}`);
    const users = Array.from({ length: userCount }, (_, index) => `user-${index}`);
    const devices = chooseDevices(seed, users);
    const byName = new Map(devices.map((device) => [device.name, device]));
    const isFirst = new Set<string>();
    let arrived = 0;
    const fateOf = (name: string): 'accept' | 'gone' | 'reject' | 'later' => {
      arrived += 1;
      const { fate = 'rejected' } = byName.get(name) ?? {};
      if (fate === 'flaky' && !isFirst.has(name)) {
        isFirst.add(name);
        return 'later';
      }
      return fate === 'gone' ? 'gone' : fate === 'rejected' ? 'reject' : 'accept';
    };
    const fcmAnswers: Record<ReturnType<typeof fateOf>, FcmAnswer> = {
      accept: 'accept',
      gone: { status: 404, errorCode: 'UNREGISTERED' },
      reject: { status: 403, errorCode: 'SENDER_ID_MISMATCH' },
      later: { status: 503, errorCode: 'UNAVAILABLE', retryAfter: 1 },
    };
    const apnsAnswers: Record<ReturnType<typeof fateOf>, ApnsAnswer> = {
      accept: 'accept',
      gone: { status: 410, reason: 'Unregistered' },
      reject: { status: 400, reason: 'BadDeviceToken' },
      later: { status: 503, reason: 'ServiceUnavailable', retryAfter: 1 },
    };
    const webAnswers = { accept: 201, gone: 410, reject: 400, later: 503 } as const;

    const authority = createTestAuthority();
    const fcm = createFcmService({ answer: (token) => fcmAnswers[fateOf(token)] });
    const apns = await startApnsService(authority, { answer: (token) => apnsAnswers[fateOf(token)] });
    const backend = createWebhookReceiver(secret);
    const front = await startTlsFront(authority, {
      ...fcm.handlers,
      [pushHost]: ({ path }) => ({ status: webAnswers[fateOf(path.slice(1))], headers: { 'retry-after': '1' } }),
      [backendHost]: backend.handler,
    });
    const pharos = await startPharosProcess({
      authority,
      fronts: [front, apns],
      settings: { PHAROS_CLIENT_REQUESTS_PER_SECOND: '1000000', PHAROS_GONE_BRAKE_PERCENT: '100' },
      webhookRetryDelaysMs: [100, 200, 400, 800, 1_600, 3_200],
    });
    try {
      const { id, secretKey } = await pharos.admin('POST', '/instances', { name: 'phones' });
      const instanceId = String(id);
      await pharos.admin('PUT', `/instances/${instanceId}/credentials/fcm`, { serviceAccount: fcm.serviceAccount });
      await pharos.admin('PUT', `/instances/${instanceId}/credentials/apns`, {
        environment: 'production',
        token: apns.key,
      });
      const events = ['v1.PublishToUsersAttempt'];
      await pharos.admin('POST', `/instances/${instanceId}/webhooks`, {
        url: `https://${backendHost}/`,
        events,
        secret,
      });
      const { id: other } = await pharos.admin('POST', '/instances', { name: 'with a certificate' });
      const { cert: certificate, key: privateKey } = authority.issue(['Apple Push Services']);
      await pharos.admin('PUT', `/instances/${String(other)}/credentials/apns`, {
        environment: 'production',
        certificate: { certificate, privateKey },
      });
      await pharos.admin('POST', `/instances/${String(other)}/webhooks`, {
        url: `https://${backendHost}/`,
        events: [expiring],
        secret,
      });
      const options = { instanceId, secretKey: String(secretKey), endpoint: 'localhost', port: pharos.port };
      const beams = new PushNotifications(options);

      const call = async (method: string, path: string, body?: object, token?: string): Promise<unknown> => {
        const response = await fetch(`${pharos.origin}/device_api/v1/instances/${instanceId}/devices${path}`, {
          method,
          headers: {
            ...(body && { 'content-type': 'application/json' }),
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
          },
          ...(body && { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
        return text === '' ? null : JSON.parse(text);
      };
      const register = async ({ user, platform, name }: Device): Promise<void> => {
        const { subscription } = createSimulatedBrowser(name, `https://${pushHost}/${name}`);
        const token = platform === 'web' ? btoa(JSON.stringify(subscription)) : name;
        const body = { token, bundleIdentifier: 'com.example.shop', metadata: { sdkVersion: '2.0.0' } };
        const { id: deviceId } = (await call('POST', `/${platform}`, body)) as { id: string };
        await call('PUT', `/${platform}/${deviceId}/user`, undefined, beams.generateToken(user).token);
      };
      for (let start = 0; start < devices.length; start += 50) {
        await Promise.all(devices.slice(start, start + 50).map(register));
      }

      const groups = Array.from({ length: Math.ceil(users.length / 1_000) }, (_, index) =>
        users.slice(1_000 * index, 1_000 * (index + 1)),
      );
      const publishIds: string[] = [];
      for (const group of groups) {
        const { publishId } = await beams.publishToUsers([...group], {
          webhookUrl: `https://${backendHost}/publish`,
          web: { notification: { title: 'Hi' } },
          fcm: { notification: { title: 'Hi' } },
          apns: { aps: { alert: 'Hi' } },
        });
        publishIds.push(publishId);
      }
      const finished = () => backend.received.filter(({ json }) => json?.status === 'FINISHED').length;
      for (let kill = 1; kill <= kills; kill += 1) {
        const until = Math.floor((devices.length * kill) / (kills + 1));
        await waitFor('pushes to arrive', () => arrived >= until || finished() === groups.length, 120_000);
        await pharos.kill();
        await pharos.start();
      }

      for (const [index, group] of groups.entries()) {
        const publishId = publishIds[index];
        const { results, ...lists } = model(group, devices);
        const isIt = ({ eventType, json }: ReceivedWebhook): boolean =>
          eventType === events[0] && json?.payload?.['publish_id'] === publishId;
        const attempt = await backend.waitFor('the attempt', isIt, 300_000);
        expect(attempt.signatureIsGood).toBe(true);
        expect(attempt.json?.payload).toEqual({ instance_id: instanceId, publish_id: publishId, ...lists });
        const isLast = ({ json }: ReceivedWebhook): boolean =>
          json?.status === 'FINISHED' && json.publishId === publishId;
        const last = await backend.waitFor('FINISHED', isLast, 300_000);
        expect(last.json?.results).toEqual(results);
      }
      // The certificate ends within 30 days: that is told once, however often the server starts.
      const isWarning = ({ eventType }: ReceivedWebhook): boolean => eventType === expiring;
      const warning = await backend.waitFor('the warning', isWarning, 60_000);
      expect(warning.json?.payload).toEqual({
        instance_id: other,
        platform: 'apns',
        fingerprint: createHash('sha256').update(privateKey).digest('hex'),
        expires_at: new Date(new X509Certificate(certificate).validTo).toISOString(),
      });
      const warnings = backend.received.filter(isWarning).map(({ json }) => json?.metadata?.['event_id']);
      expect(new Set(warnings).size).toBe(1);
      expect(pharos.output()).not.toContain('PRIVATE KEY');
    } finally {
      await pharos.remove();
      await front.close();
      apns.dropConnections();
      await apns.close();
    }
  },
);
