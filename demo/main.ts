/**
 * The whole loop on one machine, offline: a fresh server, a local push service with simulated browsers, local stand-ins
 * for FCM and APNs, the official Beams server SDK, and a backend that verifies each webhook. Exits 0 when everything expected arrived. `--keep` leaves
 * it all running until Ctrl-C, and adds a site to try it in a browser.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import PushNotifications from '@pusher/push-notifications-server';
import { startApnsService } from '../test/support/apns-service.ts';
import { createFcmService } from '../test/support/fcm-service.ts';
import { startHttpServer } from '../test/support/http-server.ts';
import { createTestAuthority } from '../test/support/test-authority.ts';
import { startTlsFront } from '../test/support/tls-front.ts';
import { waitFor } from '../test/support/wait-for.ts';
import { createWebhookReceiver } from '../test/support/webhook-receiver.ts';
import type { BeamsDevice } from './beams-device.ts';
import { registerBeamsDevice, registerBeamsPhone } from './beams-device.ts';
import { describeWebhook } from './describe-webhook.ts';
import { startLocalPushService } from './local-push-service.ts';
import { startPharosProcess } from '../test/support/pharos-process.ts';
import { startDemoSite } from './site/start-demo-site.ts';

const { keep } = parseArgs({ options: { keep: { type: 'boolean', default: false } } }).values;
const startedAt = performance.now();
const say = (line = ''): void => console.log(line);
const sayAt = (line: string): void =>
  say(`${((performance.now() - startedAt) / 1000).toFixed(2).padStart(6)} s  ${line}`);

const authority = createTestAuthority();
const pushService = await startLocalPushService(authority);
const fcm = createFcmService();
const google = await startTlsFront(authority, fcm.handlers);
const apns = await startApnsService(authority);
const pharos = await startPharosProcess({
  authority,
  fronts: [google, apns],
  reachesOthers: true,
  settings: {
    PHAROS_PUSH_ENDPOINT_HOSTS: pushService.host,
    PHAROS_ALLOW_NETWORKS: '127.0.0.0/8,::1/128',
    PHAROS_ALLOW_HTTP_WEBHOOKS: 'true',
  },
});
sayAt(`pharos serve          ${pharos.origin}, fresh database in ${pharos.dataDir}`);

const secret = 'demo-webhook-secret';
const backend = createWebhookReceiver(secret);
const backendServer = await startHttpServer((request) => {
  const answer = backend.handler(request);
  const webhook = backend.received.at(-1);
  if (webhook) sayAt(`webhook               ${describeWebhook(webhook)}`);
  return answer;
});

const instance = await pharos.admin('POST', '/instances', { name: 'demo' });
const [instanceId, secretKey] = [String(instance['id']), String(instance['secretKey'])];
await pharos.admin('POST', `/instances/${instanceId}/webhooks`, {
  url: `${backendServer.origin}/webhooks`,
  events: ['v1.PublishToUsersAttempt', 'v1.UserNotificationAcknowledgement', 'v1.UserNotificationOpen'],
  secret,
});
sayAt(`instance              ${instanceId}, one webhook for what becomes of publishes`);
await pharos.admin('PUT', `/instances/${instanceId}/credentials/fcm`, { serviceAccount: fcm.serviceAccount });
await pharos.admin('PUT', `/instances/${instanceId}/credentials/apns`, { environment: 'production', token: apns.key });
sayAt('credentials           of FCM and APNs are set; both services take them');

// The official SDK: only host and port are new. It sends a set host plain HTTP.
const beams = new PushNotifications({ instanceId, secretKey, endpoint: '127.0.0.1', port: pharos.port } as {
  instanceId: string;
  secretKey: string;
});

let deliveries = 0;
let reports = 0;
async function openBrowser(name: string, user: string | null): Promise<BeamsDevice> {
  const browser = pushService.subscribe(name, String(instance['vapidPublicKey']), (push) => {
    deliveries += 1;
    sayAt(`push decrypted        ${name} sees “${push.notification.title}: ${push.notification.body}”`);
    void showAndClick(push.data.pusher.publishId);
  });
  const device = await registerBeamsDevice(pharos.origin, instanceId, browser);
  const showAndClick = async (publishId: string): Promise<void> => {
    await device.report('delivery', publishId);
    await device.report('open', publishId);
    reports += 2;
  };
  if (user) await device.setUser(user, beams.generateToken(user).token);
  await device.addInterest('news');
  sayAt(`browser               ${name} is ${device.id}${user ? `, user ${user}` : ', nobody’s'}`);
  return device;
}
await openBrowser('Alice’s laptop', 'alice');
await openBrowser('Alice’s phone', 'alice');
await openBrowser('Bob’s laptop', 'bob');
await openBrowser('A visitor’s browser', null);

const phones = [
  ['Bob’s Android phone', 'fcm', 'bobs-registration-token'],
  ['Bob’s iPhone', 'apns', 'b0'.repeat(32)],
] as const;
for (const [name, platform, token] of phones) {
  const id = await registerBeamsPhone(pharos.origin, instanceId, platform, token, beams.generateToken('bob').token);
  sayAt(`phone                 ${name} is ${id}, user bob`);
}

const toUsers = await beams.publishToUsers(['alice', 'bob', 'carol'], {
  web: { notification: { title: 'Hello', body: 'for Alice, Bob and Carol', deep_link: 'https://site.example/' } },
  fcm: { notification: { title: 'Hello', body: 'for Alice, Bob and Carol' } },
  apns: { aps: { alert: { title: 'Hello', body: 'for Alice, Bob and Carol' } } },
});
sayAt(`publish to users      ${toUsers.publishId}`);
const toInterest = await beams.publishToInterests(['news'], {
  webhookUrl: backendServer.origin.replace('http://', 'http://user:pass@').concat('/publish-webhook'),
  web: { notification: { title: 'News', body: 'for everybody' } },
});
sayAt(`publish to interest   ${toInterest.publishId}`);

// Three devices of users get both publishes, the visitor's one: its reports name no user and make no webhook.
const expectedDeliveries = 3 + 4;
const expectedWebhooks = {
  'v1.PublishToUsersAttempt': 1,
  'v1.UserNotificationAcknowledgement': 6,
  'v1.UserNotificationOpen': 6,
  STARTED: 1,
  FINISHED: 1,
};
const countOf = (type: string): number =>
  backend.received.filter(({ eventType, json }) => (eventType ?? json?.['status']) === type).length;
const complete = (): boolean =>
  deliveries === expectedDeliveries &&
  fcm.accepted.length === 1 &&
  apns.accepted.length === 1 &&
  Object.entries(expectedWebhooks).every(([type, count]) => countOf(type) === count);
const allArrived = await waitFor('every delivery and webhook', complete, 20_000).then(
  () => true,
  () => false,
);

const unsigned = backend.received.filter(({ eventType, signatureIsGood }) => eventType && !signatureIsGood).length;
say();
say(`deliveries            ${deliveries} of ${expectedDeliveries}`);
say(`phones                ${fcm.accepted.length} of 1 by FCM, ${apns.accepted.length} of 1 by APNs`);
say(`reports               ${reports}`);
for (const [type, count] of Object.entries(expectedWebhooks)) say(`${type.padEnd(36)}${countOf(type)} of ${count}`);
say(`signatures            ${unsigned === 0 ? 'all verified' : `${unsigned} WRONG`}`);
const good = allArrived && unsigned === 0;
say(good ? 'Everything arrived.' : 'Something is missing.');

if (keep) {
  say(`\nStill up: ${pharos.origin} (admin token in ${pharos.dataDir}/admin-token). Ctrl-C ends it.`);
  const site = await startDemoSite({ pharos });
  say(`Open ${site.origin} in a browser, subscribe, and watch its webhooks arrive.`);
  await once(process, 'SIGINT');
  await site.close();
}
await pharos.stop();
await pharos.remove();
await Promise.all([pushService.close(), google.close(), apns.close(), backendServer.close()]);
process.exitCode = good ? 0 : 1;
