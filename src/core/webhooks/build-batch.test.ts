import { expect, test } from 'vitest';
import type { Webhook } from '../instances/instance.ts';
import { defaultWebhookOptions } from '../instances/webhook-options.ts';
import { StoreUnavailable } from '../ports/command.ts';
import type { ClaimedMessage } from '../ports/message-store.ts';
import type { PublishSummary } from '../ports/publish-store.ts';
import type { BuildBatchDeps } from './build-batch.ts';
import { buildBatch } from './build-batch.ts';

const batchId = '01930000-0000-7000-8000-00000000ba7c';
const idOf = (number: number): string => `01930000-0000-7000-8000-${String(number).padStart(12, '0')}`;
const publishId = idOf(999);

const opening = (number: number, change: Partial<ClaimedMessage> = {}): ClaimedMessage => ({
  ...{
    instanceId: 'instance',
    target: 'webhook',
    webhookId: 'webhook',
    messageId: idOf(number),
    batchId,
    claimToken: 'token',
  },
  ...{ eventType: 'v1.UserNotificationOpen', eventId: idOf(500 + number), eventAt: 1_700_000_000_000, publishId },
  ...{ user: { name: `user ${number}` }, device: null, action: null, details: null },
  ...{ attempts: 0, earlierAttempts: 0 },
  ...change,
});

const webhookOf = (change: Partial<Webhook> = {}): Webhook => ({
  ...{ instanceId: 'instance', id: 'webhook', url: 'https://user:pass@site.example/hook', format: 'beams' },
  ...{ events: ['v1.UserNotificationOpen'], options: defaultWebhookOptions, secret: 'secret', previousSecret: null },
  ...{ signingKey: null, headers: { 'X-Tenant': 'shop' }, customData: { a: 1 }, createdAt: 0, disabledAt: null },
  disabledReason: null,
  ...change,
});

function open(summarize: (publishId: string) => PublishSummary | null = () => null) {
  const logged: string[] = [];
  const log = { info() {}, warn() {}, error: (event: string) => void logged.push(event) };
  const deps: BuildBatchDeps = {
    log,
    clock: () => 1_700_000_123_456,
    sealer: { seal: () => Buffer.alloc(0), open: (_place, sealed) => Buffer.from(sealed) },
    store: { summarizePublish: async (key) => summarize(key.publishId) },
    instances: { findWebhook: async () => null },
  };
  return { deps, logged };
}

test('Beams: a list of envelopes, each as it would be alone, signed as one', async () => {
  const { deps } = open();
  const { request, messageIds, unsent } = await buildBatch(deps, webhookOf(), [opening(1), opening(2)]);
  expect([messageIds, unsent]).toEqual([[idOf(1), idOf(2)], []]);
  expect(request?.url.href).toBe('https://site.example/hook');
  expect(request?.headers).toMatchObject({
    'Webhook-Event-Type': 'batch',
    'Webhook-ID-UUID': 'webhook',
    'Webhook-Request-ID-UUID': batchId,
    'webhook-id': batchId,
    'X-Tenant': 'shop',
    Authorization: expect.stringMatching(/^Basic /),
    'Webhook-Signature': expect.stringMatching(/^[0-9a-f]{40}$/),
  });
  const { events } = JSON.parse(request?.body ?? '') as { events: unknown[] };
  expect(events).toEqual(
    [1, 2].map((number) => ({
      payload: { instance_id: 'instance', publish_id: `pubid-${publishId}`, user_id: `user ${number}` },
      metadata: expect.objectContaining({ event_id: idOf(500 + number), product: 'beams' }),
      custom_data: { a: 1 },
    })),
  );
});

test('standard: one event of the type batch, whose time does not change', async () => {
  const { deps } = open();
  const { request } = await buildBatch(deps, webhookOf({ format: 'standard', customData: {} }), [opening(1)]);
  expect(JSON.parse(request?.body ?? '')).toEqual({
    type: 'batch',
    timestamp: new Date(Number.parseInt('019300000000', 16)).toISOString(),
    data: {
      events: [
        {
          id: idOf(1),
          type: 'v1.UserNotificationOpen',
          timestamp: '2023-11-14T22:13:20.000Z',
          data: { instance_id: 'instance', publish_id: `pubid-${publishId}`, user_id: 'user 1' },
        },
      ],
    },
  });
});

test('what cannot be told leaves the batch, the others go out', async () => {
  const { deps, logged } = open();
  const poisoned = { eventType: 'v1.PublishToUsersAttempt', user: null } as const;
  const batch = [opening(1, { user: 'erased' }), opening(2, poisoned), opening(3)] as const;
  const { messageIds, unsent } = await buildBatch(deps, webhookOf(), batch);
  expect(messageIds).toEqual([idOf(3)]);
  expect(unsent).toEqual([
    { messageIds: [idOf(1)], next: { kind: 'dropped', reason: 'user-erased' } },
    { messageIds: [idOf(2)], next: { kind: 'retry', retryInMs: 20_000 } },
  ]);
  expect(logged).toEqual(['message.failed']);
  const nothing = await buildBatch(deps, webhookOf(), [opening(1, { user: 'erased' })]);
  expect(nothing).toMatchObject({ request: null, messageIds: [], unsent: [{ messageIds: [idOf(1)] }] });
});

test('a store that is away fails the batch and none of its messages', async () => {
  const { deps } = open(() => {
    throw new StoreUnavailable('away');
  });
  const attempt = opening(1, { eventType: 'v1.PublishToUsersAttempt', user: null });
  await expect(buildBatch(deps, webhookOf(), [attempt])).rejects.toThrow(StoreUnavailable);
});

test('a body ends at 1 MiB; what is left waits for the next one', async () => {
  const { deps } = open();
  const large = (number: number) => opening(number, { user: { name: 'é'.repeat(200 * 1024) } });
  const { request, messageIds, unsent } = await buildBatch(deps, webhookOf(), [
    large(1),
    large(2),
    large(3),
    opening(4),
  ]);
  expect(messageIds).toEqual([idOf(1), idOf(2)]);
  expect(Buffer.byteLength(request?.body ?? '')).toBeLessThan(1024 * 1024);
  expect(unsent).toEqual([{ messageIds: [idOf(3), idOf(4)], next: { kind: 'retry', retryInMs: 0 } }]);
  const huge = opening(5, { user: { name: 'a'.repeat(2 * 1024 * 1024) } });
  expect((await buildBatch(deps, webhookOf(), [huge, opening(6)])).messageIds).toEqual([idOf(5)]);
});
