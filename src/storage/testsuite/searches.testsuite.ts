import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { MessageFilter } from '../../core/ports/message-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
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

const events = ['v1.UserNotificationAcknowledgement', 'v1.UserNotificationOpen'] as const;

/** Two webhooks; anna acknowledged and opened, berta acknowledged. Newest first. */
async function withMessages(store: Store) {
  const instanceId = await createInstance(store);
  const one = await createWebhook(store, aWebhook(instanceId, { events }));
  const other = await createWebhook(store, aWebhook(instanceId, { events: [events[1]] }));
  const devices = await Promise.all(['anna', 'berta'].map((user) => register(store, instanceId, { user })));
  const publish = await accept(store, instanceId, toUsers('anna', 'berta'));
  for (const [device, kind] of [
    [devices[0], 'delivery'],
    [devices[1], 'delivery'],
    [devices[0], 'open'],
  ] as const) {
    if (device) await runOne(store.recordReports, aReport(publish, device, { kind }));
  }
  const all = await listMessages(store, { instanceId, limit: 10 });
  expect(all).toHaveLength(4);
  const search = async (filter: MessageFilter) =>
    (await listMessages(store, { instanceId, limit: 10, ...filter })).map(({ messageId }) => messageId);
  const idsOf = (matches: (message: (typeof all)[number]) => boolean) =>
    all.filter(matches).map(({ messageId }) => messageId);
  return { instanceId, one, other, publish, all, search, idsOf };
}

export function searchesSuite(open: OpenStore): void {
  describe('messages are found', () => {
    test('by event, type, user, webhook, and all of them together', async () => {
      const store = await open();
      const { one, other, publish, all, search, idsOf } = await withMessages(store);
      const [newest] = all;
      if (!newest) throw new Error('there is no message');
      const [, opened] = events;
      expect(newest.eventType).toBe(opened);
      expect(await search({ eventId: newest.eventId })).toEqual(idsOf(({ eventId }) => eventId === newest.eventId));
      expect(await search({ eventType: opened })).toEqual(idsOf(({ eventType }) => eventType === opened));
      expect(await search({ user: 'anna' })).toHaveLength(3);
      expect(await search({ user: 'anna', eventType: events[0] })).toHaveLength(1);
      expect(await search({ user: 'berta', publishId: publish.publishId, webhookId: one.id })).toHaveLength(1);
      expect(await search({ eventId: newest.eventId, webhookId: other.id })).toHaveLength(1);
      expect(await search({ user: 'nobody' })).toEqual([]);
      expect(await search({ eventId: randomUUID() })).toEqual([]);
      expect(await search({ user: 'berta', publishId: uuidV7() })).toEqual([]);
    });

    test('by state and the answer to the last attempt', async () => {
      const store = await open();
      const { instanceId, one, search } = await withMessages(store);
      const [first, second, third, fourth] = await claimMessages(store, instanceId);
      if (!first || !second || !third || !fourth) throw new Error('messages are missing');
      const end = async (message: typeof first, status: number, kind: 'delivered' | 'exhausted') => {
        const item = { ...message, attempt: anAttempt({ status }), next: { kind }, disable: null };
        expect(await runOne(store.completeAttempts, item)).toBe('recorded');
      };
      await end(first, 500, 'exhausted');
      await end(second, 204, 'delivered');
      await end(third, 503, 'exhausted');
      expect(await search({ state: 'waiting' })).toEqual([fourth.messageId]);
      expect(await search({ state: 'delivered' })).toEqual([second.messageId]);
      expect(new Set(await search({ state: 'exhausted' }))).toEqual(new Set([first.messageId, third.messageId]));
      expect(await search({ status: 503 })).toEqual([third.messageId]);
      expect(await search({ status: 500, state: 'delivered' })).toEqual([]);
      const ofOne = [first, third].filter(({ webhookId }) => webhookId === one.id).map(({ messageId }) => messageId);
      expect(new Set(await search({ state: 'exhausted', webhookId: one.id }))).toEqual(new Set(ofOne));
      expect(await store.findMessage(third)).toMatchObject({
        claimed: false,
        lastAttempt: { status: 503, error: null },
      });
      expect(await store.findMessage(fourth)).toMatchObject({ claimed: true, lastAttempt: null });
    });

    test('by the time they were written', async () => {
      const store = await open();
      const { search, all } = await withMessages(store);
      const now = Date.now();
      const ids = all.map(({ messageId }) => messageId);
      expect(await search({ since: now - 3_600_000, until: now + 3_600_000 })).toEqual(ids);
      expect(await search({ since: now + 3_600_000 })).toEqual([]);
      expect(await search({ until: now - 3_600_000 })).toEqual([]);
      expect(await search({ until: now - 3_600_000, user: 'anna' })).toEqual([]);
    });

    test('with whom they are about, until the name is erased', async () => {
      const store = await open();
      const { instanceId, all } = await withMessages(store);
      const [newest] = all;
      if (!newest) throw new Error('there is no message');
      expect(await store.findMessage(newest)).toMatchObject({ ...newest, user: { name: 'anna' }, action: null });
      await runOne(store.eraseUsers, { instanceId, user: 'anna' });
      expect(await store.findMessage(newest)).toMatchObject({ user: 'erased', state: 'dropped' });
      expect(await listMessages(store, { instanceId, user: 'anna', limit: 10 })).toEqual([]);
      expect(await store.findMessage({ ...newest, instanceId: randomUUID() })).toBeNull();
      expect(await store.findMessage({ instanceId, messageId: uuidV7() })).toBeNull();
    });

    test('with how many wait for the same target for longer', async () => {
      const store = await open();
      const { instanceId, one, all } = await withMessages(store);
      const ofOne = all.filter(({ webhookId }) => webhookId === one.id);
      const dueAt = Math.max(...ofOne.map((message) => message.dueAt ?? 0)) + 1;
      const target = { instanceId, target: one.id };
      expect(await store.countAhead({ ...target, dueAt, limit: 10 })).toBe(ofOne.length);
      expect(await store.countAhead({ ...target, dueAt, limit: 2 })).toBe(2);
      expect(await store.countAhead({ ...target, target: 'url:a', dueAt, limit: 10 })).toBe(0);
    });
  });
}
