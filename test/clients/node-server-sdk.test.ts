import PushNotifications from '@pusher/push-notifications-server';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BeamsDevice } from '../../demo/beams-device.ts';
import { registerBeamsDevice } from '../../demo/beams-device.ts';
import type { ReceivedPush } from '../../demo/simulated-browser.ts';
import { createSimulatedBrowser } from '../../demo/simulated-browser.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import { createWebhookReceiver } from '../support/webhook-receiver.ts';

describe("Beams' server SDK for Node", () => {
  const authority = createTestAuthority();
  const pushHost = 'updates.push.services.mozilla.com';
  const backendHost = 'backend.customer.example';
  const secret = 'correct-horse-battery';
  const backend = createWebhookReceiver(secret);
  const browsers = new Map<string, ReturnType<typeof createSimulatedBrowser>>();
  const pushes: { readonly to: string; readonly push: ReceivedPush }[] = [];
  const web = { notification: { title: 'Hello', body: 'World' } };
  let front: TlsFront;
  let pharos: PharosProcess;
  let instanceId: string;
  let secretKey: string;
  let beams: PushNotifications;

  // `port` is missing in the SDK's types.
  const client = (options: { instanceId?: string; secretKey?: string } = {}): PushNotifications => {
    const all = { instanceId, secretKey, endpoint: 'localhost', port: pharos.port, ...options };
    return new PushNotifications(all);
  };

  beforeAll(async () => {
    front = await startTlsFront(authority, {
      [pushHost]: ({ path, body }) => {
        const browser = browsers.get(path);
        if (!browser) return { status: 404 };
        pushes.push({ to: browser.name, push: browser.decrypt(body) });
        return { status: 201 };
      },
      [backendHost]: backend.handler,
    });
    pharos = await startPharosProcess({ authority, fronts: [front] });
    const instance = await pharos.admin('POST', '/instances', { name: 'customer' });
    instanceId = String(instance['id']);
    secretKey = String(instance['secretKey']);
    await pharos.admin('POST', `/instances/${instanceId}/webhooks`, {
      url: `https://${backendHost}/webhooks`,
      events: ['v1.PublishToUsersAttempt'],
      secret,
    });
    beams = client();
  });

  afterAll(async () => {
    await pharos?.remove();
    await front?.close();
  });

  function openDevice(name: string): Promise<BeamsDevice> {
    const path = `/wpush/v2/${name.replaceAll(/\W/g, '-')}`;
    const browser = createSimulatedBrowser(name, `https://${pushHost}${path}`);
    browsers.set(path, browser);
    return registerBeamsDevice(pharos.origin, instanceId, browser);
  }

  async function findDevice({ id }: BeamsDevice): Promise<{ status: number; userId?: string | null }> {
    const answer = await fetch(`${pharos.origin}/device_api/v1/instances/${instanceId}/devices/web/${id}`);
    return { status: answer.status, ...((await answer.json()) as object) };
  }

  const received = (publishId: string) =>
    waitFor(`a push of ${publishId}`, () => pushes.find(({ push }) => push.data.pusher.publishId === publishId));

  const attempt = async (publishId: string) => {
    const { json } = await backend.waitFor(
      `the attempt of ${publishId}`,
      (webhook) => webhook.json?.payload?.['publish_id'] === publishId,
    );
    return json?.payload;
  };

  const publishIdShape = /^pubid-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

  test('publishToInterests reaches the devices of an interest', async () => {
    const device = await openDevice('interested');
    await device.addInterest('a;b=@c,d.e-F_1');
    const answer = await beams.publishToInterests(['nobody', 'a;b=@c,d.e-F_1'], { web, fcm: {}, apns: { aps: {} } });
    expect(answer).toEqual({ publishId: expect.stringMatching(publishIdShape) });
    expect(await received(answer.publishId)).toMatchObject({ to: 'interested', push: web });
  });

  test('publish, its old name, does the same', async () => {
    const device = await openDevice('old name');
    await device.addInterest('old-name');
    const { publishId } = await beams.publish(['old-name'], { web });
    expect(await received(publishId)).toMatchObject({ to: 'old name' });
  });

  test.each(['ann', 'ann/b+c d%20ü☃?#'])(
    'generateToken, publishToUsers and deleteUser know the user %s',
    async (name) => {
      const user = `${name} ${randomUUID()}`;
      const device = await openDevice(user);
      const { token } = beams.generateToken(user);
      await device.setUser(user, token);
      expect(await findDevice(device)).toMatchObject({ status: 200, userId: user });

      const { publishId } = await beams.publishToUsers([user, 'nobody'], { web });
      expect(await received(publishId)).toMatchObject({ to: user, push: web });
      expect(await attempt(publishId)).toEqual({
        instance_id: instanceId,
        publish_id: publishId,
        users_delivered_to_gateway: [user],
        users_no_devices: ['nobody'],
        users_gateway_failed: [],
      });

      expect(await beams.deleteUser(user)).toBeUndefined();
      expect(await findDevice(device)).toMatchObject({ status: 404 });
      const late = await beams.publishToUsers([user], { web });
      expect(await attempt(late.publishId)).toMatchObject({ users_no_devices: [user] });
    },
  );

  test('deleteUser takes a user that never existed', async () => {
    expect(await beams.deleteUser('nobody at all')).toBeUndefined();
  });

  const wrongKey = () => client({ secretKey: 'A'.repeat(64) });
  const unknownInstance = () => client({ instanceId: randomUUID() });
  const malformedInstance = () => client({ instanceId: 'not-a-uuid' });
  const nothing = {} as PushNotifications.PublishRequest;
  const title = (length: number) => ({ web: { notification: { title: 'x'.repeat(length) } } });
  const tooLong = { web: { time_to_live: 2_419_201 } };

  test.each<readonly [string, () => Promise<unknown>, string]>([
    ['wrong key', () => wrongKey().publishToInterests(['a'], { web }), '401 Unauthorized - Incorrect Secret Key'],
    ['wrong key, users', () => wrongKey().publishToUsers(['a'], { web }), '401 Unauthorized - Incorrect Secret Key'],
    ['wrong key, deletion', () => wrongKey().deleteUser('a'), '401 Unauthorized - Incorrect Secret Key'],
    [
      'unknown instance',
      () => unknownInstance().publishToInterests(['a'], { web }),
      '404 Instance not found - Could not find the instance',
    ],
    [
      'malformed instance id',
      () => malformedInstance().publishToUsers(['a'], { web }),
      '404 Instance not found - Could not find the instance',
    ],
    [
      'no platform',
      () => beams.publishToInterests(['a'], nothing),
      '422 Bad Request - `apns, fcm, web`: at least one of them is required',
    ],
    [
      'empty interest',
      () => beams.publishToInterests([''], { web }),
      '422 Bad Request - `interests.0`: expected an interest name (1 to 164 characters of A-Z a-z 0-9 _ - = @ , . ;)',
    ],
    [
      'empty user',
      () => beams.publishToUsers([''], { web }),
      '422 Bad Request - `users.0`: expected a user id (a string of 1 to 164 characters)',
    ],
    [
      'field out of range',
      () => beams.publishToInterests(['a'], tooLong),
      '422 Bad Request - `web.time_to_live`: expected a whole number of seconds from 0 to 2419200',
    ],
    [
      'over 10 KiB',
      () => beams.publishToInterests(['a'], title(10 * 1024)),
      '400 Bad request - The request body is too large',
    ],
    [
      'over 200 KiB',
      () => beams.publishToUsers(['a'], title(200 * 1024)),
      '400 Bad request - The request body is too large',
    ],
    ['no user', () => beams.deleteUser(''), '404 Not Found - The user id is missing from the path'],
  ])('says what is wrong: %s', async (_case, call, message) => {
    await expect(call()).rejects.toThrow(new Error(message));
  });

  test('a token of another key or instance is refused', async () => {
    const device = await openDevice('stranger');
    const forged = wrongKey().generateToken('ann').token;
    await expect(device.setUser('ann', forged)).rejects.toThrow('answered 401');
    const foreign = unknownInstance().generateToken('ann').token;
    await expect(device.setUser('ann', foreign)).rejects.toThrow('answered 403');
    expect(await findDevice(device)).toMatchObject({ userId: null });
  });
});
