import { describe, expect, test, vi } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { DeviceKey } from '../../core/ports/device-store.ts';
import type { WebhookBatch } from '../../core/ports/instance-store.ts';
import type { ClaimedMessage, CompleteBatch, MessageKey } from '../../core/ports/message-store.ts';
import type { PublishKey } from '../../core/ports/publish-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  anAttempt,
  aReport,
  aWebhook,
  aWebhookOptions,
  claimMessages,
  createInstance,
  createWebhook,
  fanOut,
  listMessages,
  register,
  toUsers,
} from './fixtures.ts';

const patient: WebhookBatch = { maxEvents: 3, maxWaitMs: 60_000 };
const prompt: WebhookBatch = { maxEvents: 3, maxWaitMs: 0 };

interface BatchingWebhook {
  readonly store: Store;
  readonly instanceId: string;
  readonly webhookId: string;
  readonly publish: PublishKey;
  /** Events about so many users more. */
  happen(count: number): Promise<void>;
  claim(options?: { room?: number; limit?: number; leaseMs?: number }): Promise<readonly (readonly ClaimedMessage[])[]>;
  complete(batch: readonly ClaimedMessage[], change: Partial<CompleteBatch>): Promise<string>;
}

async function openBatching(open: OpenStore, batch: WebhookBatch): Promise<BatchingWebhook> {
  const store = await open();
  const instanceId = await createInstance(store);
  const events = ['v1.UserNotificationAcknowledgement', 'v1.PublishToUsersAttempt'] as const;
  const webhook = await createWebhook(store, aWebhook(instanceId, { events, options: aWebhookOptions({ batch }) }));
  const webhookId = webhook.id;
  const names = Array.from({ length: 10 }, (_, index) => `user ${index}`);
  const devices: DeviceKey[] = [];
  for (const user of names) devices.push(await register(store, instanceId, { user }));
  const publish = await accept(store, instanceId, toUsers(...names));
  return {
    ...{ store, instanceId, webhookId, publish },
    async happen(count) {
      for (const device of devices.splice(0, count)) await runOne(store.recordReports, aReport(publish, device));
    },
    async claim({ room = 10, limit = 1_000, leaseMs = 60_000 } = {}) {
      const targets = [{ instanceId, target: webhookId, room, restMs: 0, batch }];
      const messages = await runOne(store.claimMessages, { limit, leaseMs, targets });
      return [...Map.groupBy(messages, ({ batchId }) => batchId).values()];
    },
    complete: (claimed, change) => {
      const [{ batchId, claimToken }] = claimed as [ClaimedMessage];
      const key = { instanceId, webhookId, batchId: String(batchId), claimToken };
      return runOne(store.completeBatches, { ...key, sent: null, unsent: [], ...change });
    },
  };
}

const idsOf = (batch: readonly ClaimedMessage[] = []): string[] => batch.map(({ messageId }) => messageId).sort();
const namesOf = (batch: readonly ClaimedMessage[] = []): string[] =>
  batch.map(({ user }) => (user === 'erased' || !user ? '' : user.name)).sort();
const sent = (batch: readonly ClaimedMessage[], next: NonNullable<CompleteBatch['sent']>['next'], status = 200) => ({
  sent: { messageIds: idsOf(batch), attempt: anAttempt({ status }), next, disable: null },
});

const waitUntil = (condition: () => Promise<boolean>) => vi.waitUntil(condition, { timeout: 15_000, interval: 5 });

export function messageBatchesSuite(open: OpenStore): void {
  describe('batches of messages', () => {
    test('wait for each other, until there are enough', async () => {
      const world = await openBatching(open, patient);
      await world.happen(2);
      expect(await world.claim()).toEqual([]);
      await world.happen(1);
      const [batch, ...others] = await world.claim();
      expect(others).toEqual([]);
      expect(namesOf(batch)).toEqual(['user 0', 'user 1', 'user 2']);
      expect(new Set(batch?.map(({ claimToken }) => claimToken)).size).toBe(1);
      expect(batch?.[0]?.batchId).toMatch(/^[0-9a-f-]{36}$/);
      await world.happen(2);
      expect(await world.claim()).toEqual([]);
      const { messages } = await world.store.nextDue();
      expect(messages).toBeGreaterThan(0);
      expect(messages).toBeLessThan(61_000);
    });

    test('wait for each other, whatever they tell of', async () => {
      const world = await openBatching(open, patient);
      await world.happen(2);
      await fanOut(world.store, world.publish);
      expect((await world.claim()).map(({ length }) => length)).toEqual([3]);
    });

    test('wait no longer than they are told', async () => {
      const world = await openBatching(open, { maxEvents: 100, maxWaitMs: 40 });
      await world.happen(2);
      const batches: (readonly ClaimedMessage[])[] = [];
      await waitUntil(async () => batches.push(...(await world.claim())) > 0);
      expect(batches.map(namesOf)).toEqual([['user 0', 'user 1']]);
    });

    test('are as large as they may be, and as many as there is room for', async () => {
      const world = await openBatching(open, prompt);
      await world.happen(8);
      const first = await world.claim({ room: 2 });
      expect(first.map((batch) => batch.length)).toEqual([3, 3]);
      expect((await world.claim({ room: 1 })).map((batch) => batch.length)).toEqual([2]);
      expect(await world.claim()).toEqual([]);
    });

    test('are delivered as one: one attempt, which each message tells of', async () => {
      const world = await openBatching(open, prompt);
      await world.happen(3);
      const [batch = []] = await world.claim();
      expect(await world.complete(batch, sent(batch, { kind: 'delivered' }))).toBe('recorded');
      expect(await world.complete(batch, sent(batch, { kind: 'delivered' }))).toBe('stale');
      expect(await world.claim()).toEqual([]);
      const { instanceId, store } = world;
      for (const { messageId, batchId } of batch) {
        expect(await store.listAttempts({ instanceId, messageId })).toEqual([anAttempt()]);
        const view = await store.findMessage({ instanceId, messageId });
        expect(view).toMatchObject({ state: 'delivered', attempts: 1, batchId, lastAttempt: { status: 200 } });
      }
      expect(await listMessages(store, { instanceId, status: 200, limit: 10 })).toHaveLength(3);
    });

    test('are found by any message that is in them, before and after they are sent', async () => {
      const world = await openBatching(open, prompt);
      await world.happen(5);
      const batches = await world.claim();
      const { instanceId, store } = world;
      const expectFound = async (batch: readonly ClaimedMessage[], { attempts }: { attempts: number }) => {
        const expected = batch.map((message) => ({ ...message, attempts, claimToken: undefined }));
        for (const { messageId } of batch) expect(await store.listBatch({ instanceId, messageId })).toEqual(expected);
      };
      expect(batches.map(({ length }) => length)).toEqual([3, 2]);
      for (const batch of batches) await expectFound(batch, { attempts: 0 });
      for (const batch of batches) await world.complete(batch, sent(batch, { kind: 'delivered' }));
      for (const batch of batches) await expectFound(batch, { attempts: 1 });
      const [left, ...stayed] = batches[0] as [ClaimedMessage, ...ClaimedMessage[]];
      await runOne(store.resendMessages, left);
      expect(await store.listBatch(left)).toEqual([]);
      await expectFound(stayed, { attempts: 1 });
      expect(await store.listBatch({ instanceId, messageId: uuidV7() })).toEqual([]);
    });

    test('are tried again as they were, with what has come since in another one', async () => {
      const world = await openBatching(open, { maxEvents: 5, maxWaitMs: 0 });
      await world.happen(3);
      const [batch = []] = await world.claim();
      await world.complete(batch, sent(batch, { kind: 'retry', retryInMs: 0 }, 500));
      await world.happen(2);
      const again = await world.claim();
      expect(again.map(namesOf)).toEqual([
        ['user 0', 'user 1', 'user 2'],
        ['user 3', 'user 4'],
      ]);
      expect(again[0]?.[0]).toMatchObject({ batchId: batch[0]?.batchId, attempts: 1 });
      expect(again[1]?.[0]).toMatchObject({ attempts: 0 });
      const [retried = []] = again;
      await world.complete(retried, sent(retried, { kind: 'exhausted' }, 503));
      const { instanceId, store } = world;
      const statuses = (await store.listAttempts({ instanceId, messageId: idsOf(retried)[1] ?? '' }))?.map(
        ({ status }) => status,
      );
      expect(statuses).toEqual([500, 503]);
    });

    test('stay together when a claim is lost, and its late completion changes nothing', async () => {
      const world = await openBatching(open, prompt);
      await world.happen(2);
      const [batch = []] = await world.claim({ room: 1, leaseMs: 1 });
      await world.happen(1);
      const claimed: (readonly ClaimedMessage[])[] = [];
      await waitUntil(async () => claimed.push(...(await world.claim())) === 2);
      const again = claimed.find(([message]) => message?.batchId === batch[0]?.batchId) ?? [];
      expect(idsOf(again)).toEqual(idsOf(batch));
      expect(claimed.filter((other) => other !== again).map(namesOf)).toEqual([['user 2']]);
      expect(await world.complete(batch, sent(batch, { kind: 'exhausted' }))).toBe('stale');
      expect(await world.complete(again, sent(again, { kind: 'delivered' }))).toBe('recorded');
      const { instanceId, store } = world;
      expect(await store.listAttempts({ instanceId, messageId: idsOf(batch)[0] ?? '' })).toHaveLength(1);
    });

    test('go on without the messages that leave them', async () => {
      const world = await openBatching(open, prompt);
      await world.happen(3);
      const [batch = []] = await world.claim();
      const [one, two, three] = batch;
      const completion = {
        ...sent([one as ClaimedMessage], { kind: 'retry', retryInMs: 0 }, 500),
        unsent: [
          { messageIds: [two?.messageId ?? ''], next: { kind: 'dropped', reason: 'user-erased' } },
          { messageIds: [three?.messageId ?? ''], next: { kind: 'retry', retryInMs: 0 } },
        ] as const,
      };
      expect(await world.complete(batch, completion)).toBe('recorded');
      const again = await world.claim();
      expect(again.map(idsOf).flat().sort()).toEqual(idsOf([one, three] as ClaimedMessage[]));
      const batchOf = (message: ClaimedMessage | undefined) =>
        again.flat().find(({ messageId }) => messageId === message?.messageId);
      expect(batchOf(one)).toMatchObject({ batchId: one?.batchId, attempts: 1 });
      expect(batchOf(three)?.attempts).toBe(0);
      expect(batchOf(three)?.batchId).not.toBe(three?.batchId);
      const { instanceId, store } = world;
      const dropped = await store.findMessage({ instanceId, messageId: two?.messageId ?? '' });
      expect(dropped).toMatchObject({ state: 'dropped', dropReason: 'user-erased', attempts: 0, batchId: null });
    });

    test('drop whom was erased while they were sent, and keep no answer about them', async () => {
      const world = await openBatching(open, prompt);
      await world.happen(2);
      const [batch = []] = await world.claim();
      const { instanceId, store } = world;
      await runOne(store.eraseUsers, { instanceId, user: 'user 1' });
      await world.complete(batch, sent(batch, { kind: 'retry', retryInMs: 0 }, 500));
      const [again] = await world.claim();
      expect(namesOf(again)).toEqual(['user 0']);
      expect(again?.[0]?.batchId).toBe(batch[0]?.batchId);
      const attempts = await store.listAttempts({ instanceId, messageId: again?.[0]?.messageId ?? '' });
      expect(attempts).toMatchObject([{ status: 500, responseBody: null }]);
    });

    test('are left by messages that are sent again by hand', async () => {
      const world = await openBatching(open, prompt);
      await world.happen(2);
      const [batch = []] = await world.claim();
      await world.complete(batch, sent(batch, { kind: 'exhausted' }, 500));
      const { instanceId, store } = world;
      const messageId = batch[0]?.messageId ?? '';
      expect(await runOne(store.resendMessages, { instanceId, messageId })).toBe('due');
      const [again] = await world.claim();
      expect(idsOf(again)).toEqual([messageId]);
      expect(again?.[0]).toMatchObject({ attempts: 1, earlierAttempts: 1 });
      expect(again?.[0]?.batchId).not.toBe(batch[0]?.batchId);
    });

    test('leave their attempts to messages that leave them, those that were made by then', async () => {
      const world = await openBatching(open, prompt);
      const { instanceId, store } = world;
      await world.happen(2);
      const [batch = []] = await world.claim();
      const [left, stays] = batch.map(({ messageId }) => ({ instanceId, messageId }));
      if (!left || !stays) throw new Error('the batch is too small');
      const statusesOf = async (key: MessageKey) => (await store.listAttempts(key))?.map(({ status }) => status);
      const answered = (messages: readonly ClaimedMessage[], kind: 'retry' | 'exhausted', status: number) => {
        const next = kind === 'retry' ? { kind, retryInMs: 0 } : { kind };
        return { sent: { ...sent(messages, next).sent, attempt: anAttempt({ status, startedAt: status }) } };
      };
      const lastOf = async (key: MessageKey) => (await store.findMessage(key))?.lastAttempt?.status;
      await world.complete(batch, answered(batch, 'retry', 500));
      expect(await runOne(store.resendMessages, left)).toBe('due');
      expect([await statusesOf(left), await lastOf(left)]).toEqual([[500], 500]);
      const apart = await world.claim();
      for (const [index, one] of apart.entries()) await world.complete(one, answered(one, 'exhausted', 502 + index));
      const of = (key: MessageKey) => 502 + apart.findIndex(([message]) => message?.messageId === key.messageId);
      expect([await statusesOf(left), await lastOf(left)]).toEqual([[500, of(left)], of(left)]);
      expect([await statusesOf(stays), await lastOf(stays)]).toEqual([[500, of(stays)], of(stays)]);
      // And alone, as when the webhook has no batches any more.
      expect(await runOne(store.resendMessages, left)).toBe('due');
      const [alone] = await claimMessages(store, instanceId);
      if (!alone) throw new Error('it is not due');
      await runOne(store.completeAttempts, {
        ...alone,
        attempt: anAttempt({ status: 504, startedAt: 504 }),
        next: { kind: 'exhausted' },
      });
      expect([await statusesOf(left), await lastOf(left)]).toEqual([[500, of(left), 504], 504]);
      await runOne(store.eraseUsers, {
        instanceId,
        user: batch[0]?.user === 'erased' ? '' : (batch[0]?.user?.name ?? ''),
      });
      expect((await store.listAttempts(left))?.map(({ responseBody }) => responseBody)).toEqual([null, null, null]);
    });
  });
}
