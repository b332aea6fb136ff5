import { expect, onTestFinished, test } from 'vitest';
import PushNotifications from '@pusher/push-notifications-server';
import { createSimulatedBrowser } from '../../demo/simulated-browser.ts';
import type { ReceivedRequest } from '../support/http-handler.ts';
import { startHttpServer } from '../support/http-server.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';

const statuses = [301, 302, 303, 307, 308];
const [pushHost, backendHost, elsewhere] = [
  'updates.push.services.mozilla.com',
  'backend.customer.example',
  'elsewhere.customer.example',
];

test('a push service and a webhook that redirect fail, and nobody goes where they point', async () => {
  const [pushes, webhooks, followed]: ReceivedRequest[][] = [[], [], []];
  const follow = (request: ReceivedRequest) => {
    followed?.push(request);
    return { status: 200 };
  };
  const inside = await startHttpServer(follow);
  onTestFinished(() => inside.close());
  // By turns to an address inside and to a host that could be reached.
  const redirect = (requests: ReceivedRequest[] | undefined) => (request: ReceivedRequest) => {
    const before = (requests?.push(request) ?? 0) - 1;
    const location = before % 2 === 0 ? `http://127.0.0.1:${inside.port}/inside` : `https://${elsewhere}/outside`;
    return { status: statuses[before % statuses.length] ?? 301, headers: { location } };
  };
  const authority = createTestAuthority();
  const front = await startTlsFront(authority, {
    [pushHost]: redirect(pushes),
    [backendHost]: redirect(webhooks),
    [elsewhere]: follow,
  });
  onTestFinished(() => front.close());
  const pharos = await startPharosProcess({ authority, fronts: [front], webhookRetryDelaysMs: [20, 20, 20, 20] });
  onTestFinished(() => pharos.remove());
  const instance = await pharos.admin('POST', '/instances', { name: 'redirected' });
  const [instanceId, secretKey] = [String(instance['id']), String(instance['secretKey'])];
  const events = ['v1.PublishToUsersAttempt'];
  await pharos.admin('POST', `/instances/${instanceId}/webhooks`, { url: `https://${backendHost}/`, events });
  const call = async (method: string, path: string, token: string | null, body?: object) => {
    const response = await fetch(pharos.origin + path, {
      method,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(token !== null && { authorization: `Bearer ${token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.status).toBe(200);
    return response;
  };
  const { token } = new PushNotifications({ instanceId, secretKey }).generateToken('anna');
  const base = `/device_api/v1/instances/${instanceId}/devices/web`;
  for (const status of statuses) {
    const { subscription } = createSimulatedBrowser(`browser ${status}`, `https://${pushHost}/wpush/${status}`);
    const body = { token: btoa(JSON.stringify(subscription)), metadata: {} };
    const { id } = (await (await call('POST', base, null, body)).json()) as { id: string };
    await call('PUT', `${base}/${id}/user`, token);
  }
  const publishes = `/publish_api/v1/instances/${instanceId}/publishes/users`;
  const publish = { users: ['anna'], web: { notification: { title: 'Hello' } } };
  const { publishId } = (await (await call('POST', publishes, secretKey, publish)).json()) as { publishId: string };

  const messagesPath = `/instances/${instanceId}/messages`;
  const message = await waitFor(
    'the webhook to be given up',
    async () => {
      const { messages } = (await pharos.admin('GET', messagesPath)) as { messages: { id: string; state: string }[] };
      return messages.find(({ state }) => state === 'exhausted');
    },
    60_000,
  );
  const { attempts } = await pharos.admin('GET', `${messagesPath}/${message.id}/attempts`);
  expect((attempts as readonly { status: number }[]).map(({ status }) => status)).toEqual(statuses);
  expect(webhooks).toHaveLength(statuses.length);
  const { counts } = await pharos.admin('GET', `/instances/${instanceId}/publishes/${publishId}`);
  expect(counts).toMatchObject({ web: { accepted: 0, gone: 0, rejected: statuses.length, failed: 0 } });
  expect(pushes).toHaveLength(statuses.length);
  expect(JSON.parse(webhooks?.[0]?.body.toString() ?? '')).toMatchObject({
    payload: { publish_id: publishId, users_gateway_failed: ['anna'] },
  });
  expect(followed).toEqual([]);
});
