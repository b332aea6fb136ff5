import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/webhooks/verify.ts';
import type { ReceivedRequest } from '../support/http-handler.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';

/** The checks that `docs/webhooks.md` shows. */
interface ChecksByHand {
  readonly isSignedByBeams: (body: Buffer, headers: object, secret: string) => boolean;
  readonly isSignedAsStandard: (body: Buffer, headers: object, key: string) => boolean;
}

async function checksByHand(): Promise<ChecksByHand> {
  const text = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
  const [, code = ''] = /## By hand\n+```js\n(.*?)```/s.exec(text) ?? [];
  const module = `${code}\nexport { isSignedByBeams, isSignedAsStandard };`;
  return (await import(`data:text/javascript,${encodeURIComponent(module)}`)) as ChecksByHand;
}

interface ShownWebhook {
  readonly id: string;
  readonly secret: string;
  readonly publicKey: string | null;
}

describe('signed webhooks of a running server', () => {
  const received: ReceivedRequest[] = [];
  const failOnce = new Set<string>();
  const backendHost = 'backend.customer.example';
  let front: TlsFront;
  let pharos: PharosProcess;
  let instance: { readonly id: string; readonly secretKey: string };

  beforeAll(async () => {
    const handler = (request: ReceivedRequest) => {
      received.push(request);
      return { status: failOnce.delete(request.path) ? 500 : 200 };
    };
    const authority = createTestAuthority();
    front = await startTlsFront(authority, { [backendHost]: handler });
    pharos = await startPharosProcess({ authority, fronts: [front], webhookRetryDelaysMs: [1_500] });
    const { id, secretKey } = await pharos.admin('POST', '/instances', { name: 'customer' });
    instance = { id: String(id), secretKey: String(secretKey) };
  });
  afterAll(async () => {
    await pharos?.remove();
    await front?.close();
  });

  const webhooks = () => `/instances/${instance.id}/webhooks`;
  const change = async (method: string, path: string, body?: object): Promise<ShownWebhook> =>
    (await pharos.admin(method, path, body)) as unknown as ShownWebhook;

  async function createWebhook(path: string, input: object): Promise<ShownWebhook> {
    const url = `https://${backendHost}${path}`;
    return change('POST', webhooks(), { url, events: ['v1.PublishToUsersAttempt'], ...input });
  }

  /** An event for every webhook: a publish to somebody who has no device. */
  async function publish(user: string): Promise<void> {
    const response = await fetch(`${pharos.origin}/publish_api/v1/instances/${instance.id}/publishes/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${instance.secretKey}` },
      body: JSON.stringify({ users: [user], web: { notification: { title: 'hello' } } }),
    });
    expect(response.status).toBe(200);
  }

  const about = (user: string, path: string) => (request: ReceivedRequest) =>
    request.path === path && request.body.includes(`"${user}"`);
  const arrived = (user: string, path: string): Promise<ReceivedRequest> =>
    waitFor(`the webhook about ${user} at ${path}`, () => received.find(about(user, path)));
  const headersOf = ({ headers }: ReceivedRequest) => headers as Record<string, string>;

  /** What the key at the well-known path says of a webhook. */
  async function publishedKey(webhookId: string): Promise<string> {
    const response = await fetch(`${pharos.origin}/.well-known/pharos/webhook-keys/${instance.id}`);
    const { keys } = (await response.json()) as { readonly keys: readonly { webhookId: string; publicKey: string }[] };
    return keys.find((key) => key.webhookId === webhookId)?.publicKey ?? '';
  }

  test.each(['beams', 'standard'])('standard: every verifier believes the %s format, with each key', async (format) => {
    const path = `/standard-${format}?a=b`;
    const webhook = await createWebhook(path, { format, options: { signing: 'standard' } });
    await publish(`ann-${format}`);
    const { body, ...request } = await arrived(`ann-${format}`, path);
    const headers = headersOf({ body, ...request });
    expect(headers['content-type']).toBe('application/json');
    expect(new StandardWebhook(webhook.secret).verify(body, headers)).toEqual(JSON.parse(body.toString()));
    expect(() => new SvixWebhook(webhook.secret).verify(body, headers)).not.toThrow();
    expect(await publishedKey(webhook.id)).toBe(webhook.publicKey);
    for (const key of [webhook.secret, await publishedKey(webhook.id)]) {
      const { events } = await verify(body, headers, key);
      expect(events).toEqual([
        expect.objectContaining({
          type: 'v1.PublishToUsersAttempt',
          data: expect.objectContaining({ users_no_devices: [`ann-${format}`] }),
        }),
      ]);
    }
    const { isSignedAsStandard } = await checksByHand();
    const changed = `${body.toString()} `;
    for (const key of [webhook.secret, webhook.publicKey ?? '']) {
      expect(isSignedAsStandard(body, headers, key)).toBe(true);
      expect(isSignedAsStandard(Buffer.from(changed), headers, key)).toBe(false);
      expect(isSignedAsStandard(body, { ...headers, 'webhook-timestamp': '1' }, key)).toBe(false);
    }
    expect(() => new StandardWebhook(webhook.secret).verify(changed, headers)).toThrow(/signature/i);
    expect(() => new SvixWebhook(webhook.secret).verify(changed, headers)).toThrow(/signature/i);
    await pharos.admin('DELETE', `${webhooks()}/${webhook.id}`);
  });

  test('standard: while secrets change, receivers with either believe it', async () => {
    const path = '/standard-rotation';
    const { id, secret: previous } = await createWebhook(path, { options: { signing: 'standard' } });
    const { secret: present } = await change('POST', `${webhooks()}/${id}/rotate-secret`, { overlapSeconds: 3_600 });
    await publish('bea');
    const during = await arrived('bea', path);
    for (const secret of [previous, present]) {
      expect(() => new StandardWebhook(secret).verify(during.body, headersOf(during))).not.toThrow();
      expect(() => new SvixWebhook(secret).verify(during.body, headersOf(during))).not.toThrow();
    }
    await pharos.admin('DELETE', `${webhooks()}/${id}`);
  });

  test('beams: the check of its documentation, and the secret before until the change is over', async () => {
    const path = '/beams';
    const webhook = await createWebhook(path, { secret: 'my-own-secret', headers: { 'X-Tenant': 'shop' } });
    const isGood = ({ body, headers }: ReceivedRequest, secret: string) =>
      headers['webhook-signature'] === createHmac('sha1', secret).update(body).digest('hex');
    await publish('cat');
    const first = await arrived('cat', path);
    expect(isGood(first, 'my-own-secret')).toBe(true);
    const { isSignedByBeams } = await checksByHand();
    expect(isSignedByBeams(first.body, first.headers, 'my-own-secret')).toBe(true);
    expect(isSignedByBeams(first.body, first.headers, 'another-secret')).toBe(false);
    expect(first.headers).toMatchObject({
      'webhook-event-type': 'v1.PublishToUsersAttempt',
      'webhook-id': first.headers['webhook-request-id-uuid'],
      'webhook-timestamp': expect.stringMatching(/^\d+$/),
      'x-tenant': 'shop',
    });
    const { secret } = await change('POST', `${webhooks()}/${webhook.id}/rotate-secret`);
    await publish('dan');
    const during = await arrived('dan', path);
    expect([isGood(during, 'my-own-secret'), isGood(during, secret)]).toEqual([true, false]);
    expect((await verify(during.body, headersOf(during), [secret, 'my-own-secret'])).events).toHaveLength(1);
    const answer = await pharos.admin('GET', `${webhooks()}/${webhook.id}`);
    expect(answer).toMatchObject({ secret, previousSecretEndsAt: expect.any(String) });
    await pharos.admin('DELETE', `${webhooks()}/${webhook.id}/previous-secret`);
    await publish('eve');
    const after = await arrived('eve', path);
    expect([isGood(after, 'my-own-secret'), isGood(after, secret)]).toEqual([false, true]);
    await pharos.admin('DELETE', `${webhooks()}/${webhook.id}`);
  });

  test('a repeat has the same id and a time of its own', async () => {
    const path = '/repeat';
    failOnce.add(path);
    const { id, secret } = await createWebhook(path, { options: { signing: 'standard' } });
    await publish('fay');
    const requests = await waitFor('two attempts', () => {
      const attempts = received.filter(about('fay', path));
      return attempts.length === 2 ? attempts : null;
    });
    const [first, second] = requests.map(headersOf);
    expect(first?.['webhook-id']).toBe(second?.['webhook-id']);
    expect(Number(second?.['webhook-timestamp'])).toBeGreaterThan(Number(first?.['webhook-timestamp']));
    for (const request of requests) {
      expect(() => new StandardWebhook(secret).verify(request.body, headersOf(request))).not.toThrow();
    }
    await pharos.admin('DELETE', `${webhooks()}/${id}`);
  });
});
