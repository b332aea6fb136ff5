import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { WebhookRecord } from '../../core/ports/instance-store.ts';
import type { DisableWebhook } from '../../core/ports/message-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  anAttempt,
  aReport,
  aWebhook,
  claimMessages,
  createInstance,
  createWebhook,
  listMessages,
  register,
  toUsers,
} from './fixtures.ts';

const disabled = 'v1.WebhookDisabled' as const;
const failed = anAttempt({ status: 500 });
const retry = { kind: 'retry', retryInMs: 0 } as const;
const gone: DisableWebhook = { reason: 'gone-410', failingForMs: 0, failures: 0 };

/** A webhook for openings, and a function that makes one more message and answers it claimed. */
async function withWebhook(store: Store) {
  const instanceId = await createInstance(store);
  const webhook = await createWebhook(store, aWebhook(instanceId, { events: ['v1.UserNotificationOpen', disabled] }));
  const device = await register(store, instanceId, { user: 'anna' });
  const report = async () => {
    const publish = await accept(store, instanceId, toUsers('anna'));
    return runOne(store.recordReports, aReport(publish, device, { kind: 'open' }));
  };
  const claimOne = async () => {
    const [message] = await claimMessages(store, instanceId, { limit: 1 });
    if (!message) throw new Error('no message is due');
    return message;
  };
  const health = () => store.findWebhookHealth(instanceId, webhook.id);
  const attempt = async (
    completion: Omit<Parameters<Store['completeAttempts']>[0][number], 'instanceId' | 'messageId' | 'claimToken'>,
  ) => {
    await report();
    return runOne(store.completeAttempts, { ...(await claimOne()), ...completion });
  };
  return { instanceId, webhook, report, health, attempt };
}

const update = (store: Store, webhook: WebhookRecord) => {
  const { format: _, createdAt: __, ...change } = webhook;
  return runOne(store.updateWebhooks, { ...change, expected: webhook.secret });
};

export function webhookHealthSuite(open: OpenStore): void {
  describe('the health of a webhook', () => {
    test('is its last success, and since when it does nothing but fail', async () => {
      const store = await open();
      const { health, attempt, webhook } = await withWebhook(store);
      expect(await health()).toEqual({ lastSuccessAt: null, failingSince: null });
      const before = Date.now();
      await attempt({ attempt: failed, next: { kind: 'exhausted' } });
      const first = await health();
      expect(first).toEqual({ lastSuccessAt: null, failingSince: expect.any(Number) });
      expect(first.failingSince).toBeGreaterThan(before - 1_000);
      await attempt({ attempt: failed, next: { kind: 'exhausted' } });
      expect(await health()).toEqual(first);
      await attempt({ attempt: anAttempt(), next: { kind: 'delivered' } });
      expect(await health()).toEqual({ lastSuccessAt: expect.any(Number), failingSince: null });
      // What was never sent says nothing.
      await attempt({ attempt: null, next: { kind: 'dropped', reason: 'user-erased' } });
      expect(await health()).toMatchObject({ failingSince: null });
      await attempt({ attempt: failed, next: { kind: 'exhausted' } });
      expect((await health()).failingSince).not.toBeNull();
      // Somebody has looked after it.
      await update(store, webhook);
      expect(await health()).toMatchObject({ failingSince: null });
    });

    test('disables it when it failed for so long and so often, and not before', async () => {
      const store = await open();
      const { instanceId, webhook, attempt } = await withWebhook(store);
      const fail = (failingForMs: number, failures: number) =>
        attempt({
          attempt: failed,
          next: { kind: 'exhausted' },
          disable: { reason: 'failing', failingForMs, failures },
        });
      expect(await fail(0, 2)).toBe('recorded');
      expect(await fail(3_600_000, 2)).toBe('recorded');
      expect(await store.findWebhook(instanceId, webhook.id)).toMatchObject({ disabledAt: null, disabledReason: null });
      expect(await fail(0, 3)).toBe('disabled');
      const record = await store.findWebhook(instanceId, webhook.id);
      expect(record).toMatchObject({ disabledAt: expect.any(Number), disabledReason: 'failing' });
    });

    test('its being disabled is an event for the others that subscribed to it, not for itself', async () => {
      const store = await open();
      const { instanceId, webhook, attempt, health } = await withWebhook(store);
      const other = await createWebhook(store, aWebhook(instanceId, { events: [disabled] }));
      const elsewhere = await createInstance(store);
      await createWebhook(store, aWebhook(elsewhere, { events: [disabled] }));
      expect(await attempt({ attempt: failed, next: { kind: 'held' }, disable: gone })).toBe('disabled');
      const { failingSince } = await health();
      const messages = await claimMessages(store, instanceId);
      expect(messages).toMatchObject([
        {
          ...{ eventType: disabled, webhookId: other.id, publishId: null, user: null, device: null },
          details: { webhookId: webhook.id, reason: 'gone-410', failingSince },
        },
      ]);
      expect(await claimMessages(store, elsewhere)).toEqual([]);
      const views = await listMessages(store, { instanceId, webhookId: webhook.id, limit: 10 });
      expect(views).toMatchObject([{ state: 'held', eventType: 'v1.UserNotificationOpen' }]);
    });

    test('is told once, however many attempts were under way', async () => {
      const store = await open();
      const { instanceId, report } = await withWebhook(store);
      const other = await createWebhook(store, aWebhook(instanceId, { events: [disabled] }));
      for (let count = 0; count < 3; count += 1) await report();
      const messages = await claimMessages(store, instanceId);
      const completions = messages.map((message) => ({ ...message, attempt: failed, next: retry, disable: gone }));
      const results = await store.completeAttempts(completions);
      expect(results.map((result) => result.ok && result.value)).toEqual(['disabled', 'recorded', 'recorded']);
      expect(await listMessages(store, { instanceId, webhookId: other.id, limit: 10 })).toHaveLength(1);
    });

    test('what happens while it is disabled is held; deleting it drops that too', async () => {
      const store = await open();
      const { instanceId, webhook, report } = await withWebhook(store);
      await update(store, { ...webhook, disabledAt: 1 });
      expect(await report()).toEqual({ kind: 'recorded', messages: 0 });
      const list = () => listMessages(store, { instanceId, limit: 10 });
      expect(await list()).toMatchObject([{ state: 'held', dueAt: null, webhookId: webhook.id }]);
      expect(await claimMessages(store, instanceId)).toEqual([]);
      await update(store, webhook);
      expect(await report()).toEqual({ kind: 'recorded', messages: 1 });
      expect((await list()).map(({ state }) => state)).toEqual(['waiting', 'held']);
      await runOne(store.deleteWebhooks, webhook);
      await runOne(store.dropMessages, { ...webhook, limit: 10, after: null });
      const dropped = { state: 'dropped', dropReason: 'webhook-deleted' };
      expect(await list()).toMatchObject([dropped, dropped]);
    });
  });
}
