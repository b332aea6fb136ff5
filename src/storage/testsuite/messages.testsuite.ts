import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { MessageTarget } from '../../core/ports/message-store.ts';
import type { ReportKind } from '../../core/ports/report-store.ts';
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
  toInterests,
  toUsers,
} from './fixtures.ts';

/** An instance with as many acknowledgement messages as users, oldest first. */
async function withMessages(store: Store, users: readonly string[]) {
  const instanceId = await createInstance(store);
  const events = ['v1.UserNotificationAcknowledgement', 'v1.UserNotificationOpen'] as const;
  const webhook = await createWebhook(store, aWebhook(instanceId, { events }));
  const devices = await Promise.all(users.map((user) => register(store, instanceId, { user })));
  const publish = await accept(store, instanceId, toUsers(...users));
  for (const device of devices) await runOne(store.recordReports, aReport(publish, device));
  const target: MessageTarget = { instanceId, target: webhook.id };
  const report = async (user: string, kind: ReportKind) => {
    const device = devices[users.indexOf(user)];
    if (device) await runOne(store.recordReports, aReport(publish, device, { kind }));
  };
  return { instanceId, webhook, publish, target, report };
}

const failed = anAttempt({ status: null, error: 'connection refused', responseHeaders: null, responseBody: null });
const succeeded = anAttempt({ startedAt: 30, durationMs: 40, status: 204 });

export function messagesSuite(open: OpenStore): void {
  describe('messages', () => {
    test('are claimed once, retried when due and not after they are delivered', async () => {
      const store = await open();
      const { instanceId, publish, webhook } = await withMessages(store, ['anna']);
      const [first, ...others] = await claimMessages(store, instanceId);
      expect(others).toEqual([]);
      if (!first) throw new Error('the message is not due');
      expect(first).toMatchObject({ ...publish, webhookId: webhook.id, attempts: 0, user: { name: 'anna' } });
      expect(await claimMessages(store, instanceId)).toEqual([]);

      const retry = { kind: 'retry', retryInMs: 0 } as const;
      expect(await runOne(store.completeAttempts, { ...first, attempt: failed, next: retry })).toBe('recorded');
      const [second] = await claimMessages(store, instanceId);
      if (!second) throw new Error('the message is not due');
      expect(second).toMatchObject({ messageId: first.messageId, eventId: first.eventId, attempts: 1 });
      expect(second.claimToken).not.toBe(first.claimToken);

      const done = { ...second, attempt: succeeded, next: { kind: 'delivered' } as const };
      expect(await runOne(store.completeAttempts, { ...done, claimToken: first.claimToken })).toBe('stale');
      expect(await runOne(store.completeAttempts, done)).toBe('recorded');
      expect(await runOne(store.completeAttempts, done)).toBe('stale');
      expect(await claimMessages(store, instanceId)).toEqual([]);
      expect(await store.listAttempts(first)).toEqual([failed, succeeded]);
      expect(await listMessages(store, { instanceId, limit: 10 })).toEqual([
        {
          instanceId,
          messageId: first.messageId,
          target: webhook.id,
          webhookId: webhook.id,
          eventType: 'v1.UserNotificationAcknowledgement',
          eventId: first.eventId,
          eventAt: first.eventAt,
          publishId: publish.publishId,
          state: 'delivered',
          dropReason: null,
          attempts: 2,
          earlierAttempts: 0,
          batchId: null,
          dueAt: null,
          claimed: false,
          lastAttempt: { startedAt: succeeded.startedAt, status: succeeded.status, error: null },
        },
      ]);
    });

    test('a lease that ended lets somebody else claim, and the one before is stale', async () => {
      const store = await open();
      const { instanceId } = await withMessages(store, ['anna']);
      const [lost] = await claimMessages(store, instanceId, { limit: 1, leaseMs: 1 });
      const claimed = await expect
        .poll(async () => (await claimMessages(store, instanceId)).map(({ messageId }) => messageId), { interval: 5 })
        .toEqual([lost?.messageId])
        .then(() => lost);
      if (!claimed) throw new Error('the message is not due');
      const next = { kind: 'delivered' } as const;
      expect(await runOne(store.completeAttempts, { ...claimed, attempt: succeeded, next })).toBe('stale');
      expect(await store.listAttempts(claimed)).toEqual([]);
    });

    test('keep their claims when what is recorded beside them fails, and can be recorded again', async () => {
      const store = await open();
      const { instanceId, report } = await withMessages(store, ['anna', 'berta']);
      const [one, two] = await claimMessages(store, instanceId);
      if (!one || !two) throw new Error('messages are missing');
      await report('anna', 'open');
      const done = { attempt: succeeded, next: { kind: 'delivered' } as const };
      const poisoned = { ...two, ...done, attempt: { ...succeeded, startedAt: null as unknown as number } };
      const [claimed, results] = await Promise.all([
        claimMessages(store, instanceId),
        store.completeAttempts([{ ...one, ...done }, poisoned]),
      ]);
      expect(results.map(({ ok }) => ok)).toEqual([true, false]);
      const again = [{ ...one, ...done }, { ...two, ...done }, ...claimed.map((message) => ({ ...message, ...done }))];
      const values = (await store.completeAttempts(again)).map((result) => result.ok && result.value);
      expect(values).toEqual(['stale', 'recorded', 'recorded']);
      expect((await store.listAttempts(two))?.length).toBe(1);
    });

    test('end as exhausted, or dropped without an attempt', async () => {
      const store = await open();
      const { instanceId } = await withMessages(store, ['anna', 'berta']);
      const [one, two] = await claimMessages(store, instanceId);
      if (!one || !two) throw new Error('messages are missing');
      await runOne(store.completeAttempts, { ...one, attempt: failed, next: { kind: 'exhausted' } });
      await runOne(store.completeAttempts, {
        ...two,
        attempt: null,
        next: { kind: 'dropped', reason: 'webhook-deleted' },
      });
      const views = await listMessages(store, { instanceId, limit: 10 });
      expect(new Map(views.map(({ messageId, state, attempts }) => [messageId, `${state} ${attempts}`]))).toEqual(
        new Map([
          [one.messageId, 'exhausted 1'],
          [two.messageId, 'dropped 0'],
        ]),
      );
      expect(await store.listAttempts(two)).toEqual([]);
      expect(await claimMessages(store, instanceId)).toEqual([]);
    });

    test('the longest waiting come first, as many as asked for', async () => {
      const store = await open();
      const { instanceId } = await withMessages(store, ['a', 'b', 'c']);
      const users = [];
      for (let count = 0; count < 2; count += 1) {
        users.push(await claimMessages(store, instanceId, { limit: 2, leaseMs: 60_000 }));
      }
      expect(users.map((claimed) => claimed.length)).toEqual([2, 1]);
      const dueTimes = users.flat().map(({ eventAt }) => eventAt);
      expect(dueTimes).toEqual([...dueTimes].sort((a, b) => a - b));
    });

    test('a target gets no more than its places, those in flight included, and holds up no other', async () => {
      const store = await open();
      const { target } = await withMessages(store, ['a', 'b', 'c', 'd']);
      const other = await withMessages(store, ['e', 'f']);
      const claim = { limit: 10, leaseMs: 60_000 };
      const claimWith = async (...rooms: readonly [MessageTarget, number][]) => {
        const targets = rooms.map(([named, room]) => ({ ...named, room, restMs: 60_000 }));
        return (await runOne(store.claimMessages, { ...claim, targets })).map((message) => message.instanceId);
      };
      const turns = async () =>
        (await store.listTurns(1_000)).filter(({ instanceId }) =>
          [target.instanceId, other.target.instanceId].includes(instanceId),
        );
      expect(new Set(await turns())).toEqual(new Set([target, other.target]));
      expect(await claimWith([target, 0], [other.target, 1])).toEqual([other.target.instanceId]);
      // Both rest now; a claim that names them gets what is due all the same.
      expect(await turns()).toEqual([]);
      expect(await claimWith([target, 3], [other.target, 3])).toEqual([
        ...Array<string>(3).fill(target.instanceId),
        other.target.instanceId,
      ]);
      expect(await turns()).toEqual([]);
      expect(await claimWith([target, 3])).toHaveLength(1);
    });

    test('a target that rests has its turn when its rest ends, whatever falls due meanwhile', async () => {
      const store = await open();
      const { target, report } = await withMessages(store, ['a', 'b']);
      const hasTurn = async () =>
        (await store.listTurns(1_000)).some(({ instanceId }) => instanceId === target.instanceId);
      const rest = (restMs: number) =>
        runOne(store.claimMessages, { limit: 10, leaseMs: 60_000, targets: [{ ...target, room: 0, restMs }] });
      expect(await rest(60_000)).toEqual([]);
      await report('a', 'open');
      expect(await hasTurn()).toBe(false);
      await rest(1);
      await expect.poll(hasTurn, { interval: 5 }).toBe(true);
    });

    test('a target has its turn when something falls due for it, and none when nothing waits', async () => {
      const store = await open();
      const { instanceId, target, report } = await withMessages(store, ['a']);
      const hasTurn = async () => (await store.listTurns(1_000)).some((turn) => turn.instanceId === instanceId);
      const [message] = await claimMessages(store, instanceId);
      if (!message) throw new Error('the message is not due');
      expect(await hasTurn()).toBe(false);
      await report('a', 'open');
      expect(await hasTurn()).toBe(true);
      const [second] = await claimMessages(store, instanceId);
      if (!second) throw new Error('the message is not due');
      await runOne(store.completeAttempts, { ...message, attempt: failed, next: { kind: 'retry', retryInMs: 0 } });
      expect(await hasTurn()).toBe(true);
      expect(await store.listTurns(1_000)).toContainEqual(target);
      const [again] = await claimMessages(store, instanceId, { leaseMs: 1 });
      // A lease that ends is a turn.
      await expect.poll(hasTurn, { interval: 5 }).toBe(true);
      expect((await claimMessages(store, instanceId)).map(({ messageId }) => messageId)).toEqual([again?.messageId]);
    });

    test('a target of which more is due than the limit leaves goes behind all others', async () => {
      const store = await open();
      const { target } = await withMessages(store, ['a', 'b', 'c']);
      const other = await withMessages(store, ['d']);
      // Turns of one millisecond have no order.
      const writtenBy = Date.now();
      await expect.poll(Date.now, { interval: 1 }).toBeGreaterThan(writtenBy);
      const mine = [target.instanceId, other.target.instanceId];
      const turns = async () => (await store.listTurns(1_000)).filter(({ instanceId }) => mine.includes(instanceId));
      const targets = [target, other.target].map((one) => ({ ...one, room: 64, restMs: 60_000 }));
      expect(await runOne(store.claimMessages, { limit: 2, leaseMs: 60_000, targets })).toHaveLength(2);
      await expect.poll(turns, { interval: 5 }).toEqual([other.target, target]);
    });

    test('of a disabled webhook are held, some at a time; of others they are not', async () => {
      const store = await open();
      const { instanceId, webhook } = await withMessages(store, ['a', 'b', 'c']);
      const hold = () => runOne(store.holdMessages, { instanceId, webhookId: webhook.id, limit: 2 });
      expect(await hold()).toBe(0);
      const [claimed] = await claimMessages(store, instanceId, { limit: 1 });
      const { format: _, createdAt: __, ...change } = { ...webhook, disabledAt: 1, expected: webhook.secret };
      expect(await runOne(store.updateWebhooks, change)).toBe('updated');
      expect([await hold(), await hold()]).toEqual([2, 0]);
      if (!claimed) throw new Error('the message is not due');
      await runOne(store.completeAttempts, { ...claimed, attempt: null, next: { kind: 'held' } });
      const views = await listMessages(store, { instanceId, limit: 10 });
      expect(views).toHaveLength(3);
      for (const view of views)
        expect(view).toMatchObject({ state: 'held', dueAt: null, dropReason: null, attempts: 0 });
      expect(await claimMessages(store, instanceId)).toEqual([]);
    });

    test('of an erased user say so', async () => {
      const store = await open();
      const { instanceId } = await withMessages(store, ['anna']);
      const [inFlight] = await claimMessages(store, instanceId, { limit: 1, leaseMs: 1 });
      expect(await runOne(store.eraseUsers, { instanceId, user: 'anna' })).toEqual({ devices: 1, messages: 0 });
      const claimAgain = async () => (await claimMessages(store, instanceId)).map(({ user }) => user);
      await expect.poll(claimAgain, { interval: 5 }).toEqual(['erased']);
      expect(inFlight?.user).toEqual({ name: 'anna' });
    });

    test('about an erased user are dropped at once; one that is on its way is not sent again', async () => {
      const store = await open();
      const { instanceId } = await withMessages(store, ['anna', 'berta']);
      const both = await claimMessages(store, instanceId);
      const aboutAnna = both.find(({ user }) => user !== 'erased' && user?.name === 'anna');
      if (!aboutAnna) throw new Error('the message is not due');
      const device = await register(store, instanceId, { user: 'anna' });
      const { publishId } = await accept(store, instanceId, toUsers('anna'));
      await runOne(store.recordReports, aReport({ instanceId, publishId }, device));
      expect(await runOne(store.eraseUsers, { instanceId, user: 'anna' })).toEqual({ devices: 2, messages: 1 });

      const next = { kind: 'retry', retryInMs: 0 } as const;
      expect(await runOne(store.completeAttempts, { ...aboutAnna, attempt: failed, next })).toBe('recorded');
      expect(await claimMessages(store, instanceId)).toEqual([]);
      const views = await listMessages(store, { instanceId, limit: 10 });
      expect(views.map(({ state, dropReason, attempts }) => [state, dropReason, attempts])).toEqual([
        ['dropped', 'user-erased', 0],
        ['waiting', null, 0],
        ['dropped', 'user-erased', 1],
      ]);
      expect(await store.listAttempts(aboutAnna)).toEqual([{ ...failed, requestHash: null }]);
    });

    test('about an erased user count as delivered when the request under way was answered', async () => {
      const store = await open();
      const { instanceId } = await withMessages(store, ['anna']);
      const [message] = await claimMessages(store, instanceId);
      if (!message) throw new Error('the message is not due');
      await runOne(store.eraseUsers, { instanceId, user: 'anna' });
      await runOne(store.completeAttempts, { ...message, attempt: succeeded, next: { kind: 'delivered' } });
      expect(await listMessages(store, { instanceId, limit: 10 })).toMatchObject([
        { state: 'delivered', dropReason: null },
      ]);
      const withoutResponse = { ...succeeded, responseHeaders: null, responseBody: null, requestHash: null };
      expect(await store.listAttempts(message)).toEqual([withoutResponse]);
    });

    test('responses to what was about a user are erased with the name', async () => {
      const store = await open();
      const { instanceId } = await withMessages(store, ['anna', 'berta']);
      const messages = await claimMessages(store, instanceId);
      for (const message of messages) {
        await runOne(store.completeAttempts, { ...message, attempt: succeeded, next: { kind: 'delivered' } });
      }
      await runOne(store.eraseUsers, { instanceId, user: 'anna' });
      const bodies = messages.map(async (message) => (await store.listAttempts(message))?.[0]?.responseBody);
      expect(new Set(await Promise.all(bodies))).toEqual(new Set(['thanks', null]));
    });

    test('are unknown under another instance', async () => {
      const store = await open();
      const { instanceId } = await withMessages(store, ['anna']);
      const [message] = await claimMessages(store, instanceId);
      if (!message) throw new Error('the message is not due');
      const item = { ...message, attempt: succeeded, next: { kind: 'delivered' } as const };
      expect(await runOne(store.completeAttempts, { ...item, instanceId: randomUUID() })).toBe('stale');
      expect(await runOne(store.completeAttempts, { ...item, messageId: uuidV7() })).toBe('stale');
    });

    test('are listed newest first, by webhook and publish, page by page', async () => {
      const store = await open();
      const { instanceId, webhook, publish } = await withMessages(store, ['a', 'b', 'c']);
      await register(store, instanceId, { interests: ['x'] });
      const other = await accept(store, instanceId, toInterests('x'), { urlTarget: 'url:a' });
      const list = async (query: { webhookId?: string; publishId?: string; before?: string }, limit = 10) =>
        (await listMessages(store, { instanceId, limit, ...query })).map(({ messageId }) => messageId);
      const all = await list({});
      expect(all).toHaveLength(4);
      expect(all).toEqual([...all].sort().toReversed());
      expect(await list({}, 2)).toEqual(all.slice(0, 2));
      expect(await list({ before: all[1] as string }, 2)).toEqual(all.slice(2));
      expect(await list({ publishId: other.publishId })).toEqual(all.slice(0, 1));
      expect(await list({ publishId: publish.publishId })).toEqual(all.slice(1));
      expect(await list({ webhookId: webhook.id })).toEqual(all.slice(1));
      expect(await list({ webhookId: webhook.id, before: all[1] as string })).toEqual(all.slice(2));
      expect(await list({ webhookId: webhook.id, publishId: publish.publishId }, 1)).toEqual(all.slice(1, 2));
      expect(await list({ webhookId: webhook.id, publishId: other.publishId })).toEqual([]);
      expect(await list({ webhookId: randomUUID() })).toEqual([]);
    });

    test('attempts of an unknown message, or of another instance', async () => {
      const store = await open();
      const { instanceId } = await withMessages(store, ['anna']);
      const [message] = await listMessages(store, { instanceId, limit: 1 });
      if (!message) throw new Error('the message is missing');
      expect(await store.listAttempts(message)).toEqual([]);
      expect(await store.listAttempts({ ...message, instanceId: randomUUID() })).toBeNull();
      expect(await store.listAttempts({ instanceId, messageId: uuidV7() })).toBeNull();
    });
  });
}
