import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { metricTable } from '../../src/metrics/metric-table.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { parsePrometheusText } from '../support/prometheus-text.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import type { WebhookReceiver } from '../support/webhook-receiver.ts';
import { createWebhookReceiver } from '../support/webhook-receiver.ts';

const host = 'receiver.example';
const secret = 'secret-of-this-test';
let front: TlsFront;
let pharos: PharosProcess;
let receiver: WebhookReceiver;

beforeAll(async () => {
  const authority = createTestAuthority();
  receiver = createWebhookReceiver(secret);
  front = await startTlsFront(authority, { [host]: receiver.handler }, { http2: false });
  pharos = await startPharosProcess({ authority, fronts: [front] });
});
afterAll(async () => {
  await pharos?.remove();
  await front?.close();
});

interface ShownAttempt {
  readonly status: number;
  readonly request: { readonly url: string; readonly headers: Record<string, string>; readonly body: string } | null;
  readonly requestNote: string | null;
}

const token = () => readFileSync(join(pharos.dataDir, 'admin-token'), 'utf8').trim();
const scrape = (authorization: string) => fetch(`${pharos.origin}/metrics`, { headers: { authorization } });

async function publish({ id, secretKey }: { readonly id: string; readonly secretKey: string }, user: string) {
  const published = await fetch(`${pharos.origin}/publish_api/v1/instances/${id}/publishes/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ users: [user], web: { notification: { title: 'Hello' } } }),
  });
  expect(published.status).toBe(200);
}

test('what was sent and what came back is shown, and counted', async () => {
  const instance = (await pharos.admin('POST', '/instances', { name: 'log' })) as { id: string; secretKey: string };
  const path = `/instances/${instance.id}`;
  const webhook = (await pharos.admin('POST', `${path}/webhooks`, {
    url: `https://name:password@${host}/hook?v=1`,
    events: ['v1.PublishToUsersAttempt'],
    secret,
    headers: { 'X-Api-Key': 'key of the receiver' },
  })) as { id: string };
  await publish(instance, 'anna');

  const { id, explanation } = await waitFor('the message to be delivered', async () => {
    const { messages } = await pharos.admin('GET', `${path}/messages?state=delivered`);
    return (messages as { id: string; explanation: string | null }[])[0];
  });
  expect(explanation).toBeNull();
  const [received] = receiver.received;
  if (!received) throw new Error('nothing was received');
  expect(received.signatureIsGood).toBe(true);
  const list = async () =>
    (await pharos.admin('GET', `${path}/messages/${id}/attempts`))['attempts'] as readonly ShownAttempt[];
  const [attempt] = await list();
  expect(attempt).toMatchObject({ status: 200, error: null, requestNote: null });
  const { request } = attempt ?? {};
  expect(request?.url).toBe(`https://${host}/hook?v=1`);
  expect(request?.body).toBe(received.request.body.toString());
  expect(request?.headers).toMatchObject({
    authorization: '***',
    'x-api-key': '***',
    'webhook-signature': '***',
    'webhook-request-id-uuid': received.request.headers['webhook-request-id-uuid'],
    'webhook-event-type': 'v1.PublishToUsersAttempt',
  });

  // What would be sent now is another request.
  await pharos.admin('PATCH', `${path}/webhooks/${webhook.id}`, { customData: { a: 1 } });
  expect((await list())[0]).toMatchObject({ request: null, requestNote: expect.stringMatching(/changed since/) });

  await pharos.admin('POST', `${path}/messages/${id}/resend`);
  await waitFor('the second attempt', async () => (await list()).length === 2);
  const again = receiver.received.at(-1)?.request;
  expect(again?.headers['webhook-request-id-uuid']).toBe(received.request.headers['webhook-request-id-uuid']);
  expect((await list()).map((shown) => shown.request?.body ?? null)).toEqual([null, again?.body.toString()]);

  for (const wrong of ['', 'Bearer wrong', `Basic ${token()}`]) expect((await scrape(wrong)).status).toBe(401);
  const answer = await scrape(`Bearer ${token()}`);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const families = parsePrometheusText(await answer.text());
  expect(new Set(families.map(({ name }) => name))).toEqual(
    new Set(Object.values(metricTable).map(({ name }) => name)),
  );
  const valueOf = (name: string, labels: Record<string, string> = {}) => {
    const samples = families.flatMap((family) => family.samples).filter((sample) => sample.name === name);
    return samples.find((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
      ?.value;
  };
  expect(valueOf('pharos_webhook_attempts_total', { outcome: 'delivered', answer: '2xx' })).toBe(2);
  expect(valueOf('pharos_webhook_delay_seconds_count')).toBe(2);
  expect(valueOf('pharos_publishes_total', { result: 'accepted' })).toBe(1);
  expect(valueOf('pharos_store_available')).toBe(1);
  expect(valueOf('pharos_store_commits_total', { result: 'written' })).toBeGreaterThan(0);
  const route = '/publish_api/v1/instances/:instance/publishes/users';
  expect(valueOf('pharos_http_request_duration_seconds_count', { route })).toBe(1);
});

test('of a request with several messages each shows the whole, until something of it has changed', async () => {
  const instance = (await pharos.admin('POST', '/instances', { name: 'batches' })) as { id: string; secretKey: string };
  const path = `/instances/${instance.id}`;
  await pharos.admin('POST', `${path}/webhooks`, {
    url: `https://${host}/batches`,
    events: ['v1.PublishToUsersAttempt'],
    options: { batch: { maxEvents: 2, maxWaitMs: 60_000 } },
  });
  for (const user of ['anna', 'ben']) await publish(instance, user);
  const messages = await waitFor('the batch to be delivered', async () => {
    const listed = (await pharos.admin('GET', `${path}/messages?state=delivered`))['messages'] as { id: string }[];
    return listed.length === 2 && listed;
  });
  const received = receiver.received.findLast(({ request }) => request.path === '/batches')?.request.body.toString();
  expect(JSON.parse(received ?? '')).toMatchObject({ events: [{}, {}] });
  const show = async (id = '') =>
    (await pharos.admin('GET', `${path}/messages/${id}/attempts`))['attempts'] as readonly ShownAttempt[];
  for (const { id } of messages)
    expect(await show(id)).toMatchObject([{ status: 200, request: { body: received }, requestNote: null }]);

  const [one, other] = messages;
  await pharos.admin('POST', `${path}/messages/${one?.id}/resend`);
  expect(await show(other?.id)).toMatchObject([{ request: null, requestNote: expect.stringMatching(/changed since/) }]);
});
