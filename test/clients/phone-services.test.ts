import apn from '@parse/node-apn';
import { cert, deleteApp, initializeApp } from 'firebase-admin/app';
import { getMessaging } from 'firebase-admin/messaging';
import https from 'node:https';
import { expect, onTestFinished, test } from 'vitest';
import type { ApnsAnswer } from '../support/apns-service.ts';
import { startApnsService } from '../support/apns-service.ts';
import { createFcmService } from '../support/fcm-service.ts';
import { RoutedAgent } from '../support/routed-agent.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { startTlsFront } from '../support/tls-front.ts';

/** The services that stand for Google's and Apple's in other tests, as the clients see them that others wrote. */
const authority = createTestAuthority();

test("Google's own library: sends, and reads the errors of the local FCM", async () => {
  const service = createFcmService({
    answer: (token) => (token === 'gone' ? { status: 404, errorCode: 'UNREGISTERED' } : 'accept'),
  });
  const front = await startTlsFront(authority, service.handlers);
  const httpAgent = new RoutedAgent(front, authority);
  // The library asks for access tokens without the agent that it was given.
  const { globalAgent } = https;
  https.globalAgent = httpAgent;
  const app = initializeApp({ credential: cert(service.serviceAccount, httpAgent), httpAgent }, 'shop');
  onTestFinished(async () => {
    await deleteApp(app);
    https.globalAgent = globalAgent;
    httpAgent.destroy();
    await front.close();
  });
  const messaging = getMessaging(app);
  const message = {
    notification: { title: 'Hi', body: 'there', imageUrl: 'https://shop.example/i.png' },
    data: { order: '7' },
    android: { ttl: 60_000, priority: 'high', collapseKey: 'k', notification: { channelId: 'c', clickAction: 'OPEN' } },
  } as const;
  expect(await messaging.send({ ...message, token: 'phone' })).toMatch(/^projects\/shop-12345\/messages\//);
  expect(service.accepted).toEqual([
    {
      token: 'phone',
      projectId: 'shop-12345',
      message: {
        notification: { title: 'Hi', body: 'there', image: 'https://shop.example/i.png' },
        data: { order: '7' },
        android: {
          ttl: '60s',
          priority: 'high',
          collapse_key: 'k',
          notification: { channel_id: 'c', click_action: 'OPEN' },
        },
      },
    },
  ]);
  await expect(messaging.send({ ...message, token: 'gone' })).rejects.toMatchObject({
    code: 'messaging/registration-token-not-registered',
  });
  await expect(messaging.send({ token: 'phone', data: { from: 'x' } }, true)).rejects.toMatchObject({
    code: 'messaging/invalid-argument',
  });
  expect(service.accepted).toHaveLength(1);
});

test("a client of Apple's service: sends, and reads the reasons of the local APNs", async () => {
  const gone = 'ab'.repeat(32);
  const answer = (token: string): ApnsAnswer =>
    token === gone ? { status: 410, reason: 'Unregistered', timestamp: 1 } : 'accept';
  const service = await startApnsService(authority, { answer });
  const provider = new apn.Provider({
    address: 'localhost',
    port: service.port,
    ca: [authority.certificate],
    production: false,
    token: {
      key: Buffer.from(service.key.privateKey),
      keyId: service.key.keyId,
      teamId: service.key.teamId,
    },
  });
  onTestFinished(async () => {
    await provider.shutdown();
    service.dropConnections();
    await service.close();
  });
  const note = new apn.Notification({ alert: 'Hi', topic: 'com.example.shop', payload: { a: 1 }, collapseId: 'c' });
  note.pushType = 'alert';
  note.priority = 5;
  note.expiry = 0;
  const device = 'cd'.repeat(32);
  // One after the other: until the first good token, one stream is let through.
  expect((await provider.send(note, device)).sent).toMatchObject([{ device }]);
  expect((await provider.send(note, gone)).failed).toMatchObject([
    { device: gone, status: 410, response: { reason: 'Unregistered' } },
  ]);
  expect(service.accepted).toMatchObject([
    {
      token: device,
      topic: 'com.example.shop',
      headers: { 'apns-push-type': 'alert', 'apns-priority': '5', 'apns-collapse-id': 'c' },
      payload: { aps: { alert: 'Hi' }, a: 1 },
    },
  ]);
  note.topic = 'com.other';
  expect((await provider.send(note, device)).failed).toMatchObject([
    { response: { reason: 'DeviceTokenNotForTopic' } },
  ]);
});
