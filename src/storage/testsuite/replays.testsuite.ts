import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { CompleteAttempt } from '../../core/ports/message-store.ts';
import type { ReplayRecord } from '../../core/ports/replay-store.ts';
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
  fanOut,
  listMessages,
  register,
  toInterests,
  toUsers,
} from './fixtures.ts';

const failed = anAttempt({ status: null, error: 'connection refused' });

/** An instance with a webhook and a message to it for each user; all of them have had an attempt, which ended so. */
async function withEnded(store: Store, count: number, end: CompleteAttempt['next'] = { kind: 'exhausted' }) {
  const instanceId = await createInstance(store);
  const webhook = await createWebhook(store, aWebhook(instanceId));
  const users = Array.from({ length: count }, (_, index) => `user ${index}`);
  const devices = await Promise.all(users.map((user) => register(store, instanceId, { user })));
  const publish = await accept(store, instanceId, toUsers(...users));
  const report = async () => {
    for (const device of devices) await runOne(store.recordReports, aReport(publish, device));
  };
  await report();
  for (const message of await claimMessages(store, instanceId)) {
    await runOne(store.completeAttempts, { ...message, attempt: failed, next: end, disable: null });
  }
  const ids = (await listMessages(store, { instanceId, limit: 1_000 })).map(({ messageId }) => messageId).toReversed();
  return { instanceId, webhook, target: webhook.id, publish, users, ids };
}

const aReplay = (change: Pick<ReplayRecord, 'instanceId' | 'target'> & Partial<ReplayRecord>): ReplayRecord => ({
  replayId: uuidV7(),
  states: ['exhausted'],
  eventType: null,
  since: null,
  maxPerSecond: null,
  ...change,
});

const step = { maxRows: 2, maxDue: 1_000 };

/** Steps until nothing is due now; answers how many messages each step made due. */
async function stepAll(store: Store, size = step): Promise<readonly number[]> {
  const resent: number[] = [];
  for (;;) {
    const result = await runOne(store.stepReplays, size);
    if (result.kind === 'idle') return resent;
    resent.push(result.resent);
  }
}

const claimedIds = async (store: Store, instanceId: string) =>
  (await claimMessages(store, instanceId)).map(({ messageId }) => messageId);

export function replaysSuite(open: OpenStore): void {
  describe('a message sent again', () => {
    test.each(['exhausted', 'delivered'] as const)(
      'that was %s is due with a new schedule and its id',
      async (kind) => {
        const store = await open();
        const { instanceId, ids } = await withEnded(store, 1, { kind });
        const key = { instanceId, messageId: ids[0] as string };
        expect(await runOne(store.resendMessages, key)).toBe('due');
        const [message] = await claimMessages(store, instanceId);
        expect(message).toMatchObject({ ...key, attempts: 1, earlierAttempts: 1 });
        if (!message) throw new Error('the message is not due');
        expect(await runOne(store.resendMessages, key)).toBe('in-flight');
        const retry = { kind: 'retry', retryInMs: 60_000 } as const;
        expect(await runOne(store.completeAttempts, { ...message, attempt: failed, next: retry, disable: null })).toBe(
          'recorded',
        );
        expect(await store.listAttempts(key)).toHaveLength(2);

        // While it waits it only hurries: it goes on with its schedule.
        expect(await runOne(store.resendMessages, key)).toBe('due');
        expect(await claimMessages(store, instanceId)).toMatchObject([{ ...key, attempts: 2, earlierAttempts: 1 }]);
      },
    );

    test('is refused when there is nothing to say or nobody to say it to', async () => {
      const store = await open();
      const { instanceId, webhook, ids } = await withEnded(store, 2);
      const [first, second] = ids.map((messageId) => ({ instanceId, messageId }));
      if (!first || !second) throw new Error('messages are missing');
      await runOne(store.eraseUsers, { instanceId, user: 'user 0' });
      expect(await runOne(store.resendMessages, first)).toBe('user-erased');
      await runOne(store.updateWebhooks, { ...webhook, disabledAt: 5, expected: webhook.secret });
      expect(await runOne(store.resendMessages, second)).toBe('webhook-disabled');
      await runOne(store.deleteWebhooks, webhook);
      expect(await runOne(store.resendMessages, second)).toBe('webhook-deleted');
      expect(await runOne(store.resendMessages, { ...second, instanceId: randomUUID() })).toBe('unknown-message');
      expect(await runOne(store.resendMessages, { instanceId, messageId: uuidV7() })).toBe('unknown-message');
      expect(await claimMessages(store, instanceId)).toEqual([]);
    });

    test('FINISHED does not overtake STARTED', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const publish = await accept(store, instanceId, toInterests('x'), { urlTarget: 'url:a' });
      await fanOut(store, publish);
      const messages = await listMessages(store, { instanceId, limit: 10 });
      const finished = messages.find(({ eventType }) => eventType === 'publish.finished');
      if (!finished) throw new Error('FINISHED is missing');
      expect(await runOne(store.resendMessages, finished)).toBe('waits-for-started');
    });
  });

  describe('a replay', () => {
    test('counts first, then makes each message due once, oldest first, and ends', async () => {
      const store = await open();
      const { instanceId, target, ids } = await withEnded(store, 5);
      const replay = aReplay({ instanceId, target });
      expect(await runOne(store.createReplays, replay)).toBe('created');
      await expect.poll(async () => (await store.nextDue()).replays).toBe(0);
      expect(await store.findReplay(replay)).toMatchObject({ ...replay, state: 'running', total: null, resent: 0 });
      expect(await stepAll(store)).toEqual([0, 0, 0, 2, 2, 1]);
      expect(await store.findReplay(replay)).toMatchObject({ state: 'done', total: 5, resent: 5, skipped: 0 });
      expect((await store.nextDue()).replays).toBeNull();
      expect(await claimedIds(store, instanceId)).toEqual(ids);
    });

    test('of webhookUrls goes to one origin; which there are is known, all and those that were given up', async () => {
      const store = await open();
      const { instanceId } = await withEnded(store, 1);
      for (const urlTarget of ['url:b', 'url:a', 'url:c'])
        await accept(store, instanceId, toInterests('x'), { urlTarget });
      for (const message of await claimMessages(store, instanceId)) {
        const kind = message.target === 'url:b' ? 'exhausted' : 'delivered';
        await runOne(store.completeAttempts, { ...message, attempt: failed, next: { kind } });
      }
      const list = (query: object) =>
        store.listUrlTargets({ instanceId, states: ['delivered'], after: '', limit: 10, ...query });
      expect(await list({})).toEqual(['url:a', 'url:b', 'url:c']);
      expect(await list({ after: 'url:a', limit: 1 })).toEqual(['url:b']);
      expect(await list({ states: ['exhausted'] })).toEqual(['url:b']);
      expect(await list({ instanceId: randomUUID() })).toEqual([]);
      const replay = aReplay({ instanceId, target: 'url:b' });
      await runOne(store.createReplays, replay);
      await stepAll(store);
      expect(await store.findReplay(replay)).toMatchObject({ total: 1, resent: 1 });
      const started = (await claimMessages(store, instanceId)).filter(
        ({ eventType }) => eventType === 'publish.started',
      );
      expect(started.map(({ target }) => target)).toEqual(['url:b']);
    });

    test('leaves out what was written after it, other states, other types and other webhooks', async () => {
      const store = await open();
      const { instanceId, target, ids } = await withEnded(store, 2);
      const delivered = await withEnded(store, 1, { kind: 'delivered' });
      const other = await createWebhook(store, aWebhook(instanceId));
      const [first = ''] = ids;
      const none = [
        aReplay({ instanceId, target: other.id }),
        aReplay({ instanceId, target: 'url:a' }),
        aReplay({ instanceId, target, eventType: 'v1.UserNotificationOpen' }),
        aReplay({ instanceId, target, states: ['held', 'delivered'] }),
        aReplay({ instanceId, target, since: Date.now() + 60_000 }),
        aReplay({ instanceId, target, replayId: first }),
        aReplay({ instanceId: delivered.instanceId, target: delivered.target }),
      ];
      for (const replay of none) await runOne(store.createReplays, replay);
      await stepAll(store);
      for (const replay of none) expect(await store.findReplay(replay)).toMatchObject({ state: 'done', total: 0 });

      const since = Date.now() - 60_000;
      const some = aReplay({ instanceId, target, since, eventType: 'v1.UserNotificationAcknowledgement' });
      const all = aReplay({ ...delivered, states: ['delivered'] });
      for (const replay of [some, all]) await runOne(store.createReplays, replay);
      await stepAll(store);
      expect(await store.findReplay(some)).toMatchObject({ total: 2, resent: 2 });
      expect(await store.findReplay(all)).toMatchObject({ total: 1, resent: 1 });
    });

    test('rests while enough of its target is due, or the target is disabled', async () => {
      const store = await open();
      const { instanceId, webhook, target } = await withEnded(store, 5);
      await runOne(store.createReplays, aReplay({ instanceId, target }));
      const stepOnce = async () => {
        const result = await runOne(store.stepReplays, { maxRows: 10, maxDue: 2 });
        return result.kind === 'idle' ? 'idle' : result.resent;
      };
      expect([await stepOnce(), await stepOnce(), await stepOnce()]).toEqual([0, 2, 0]);
      expect((await store.nextDue()).replays).toBeLessThan(1_000);
      await claimMessages(store, instanceId);
      await expect.poll(stepOnce).toBe(2);
      await claimMessages(store, instanceId);
      await runOne(store.updateWebhooks, { ...webhook, disabledAt: 5, expected: webhook.secret });
      await expect.poll(stepOnce).toBe(0);
      expect(await claimMessages(store, instanceId)).toEqual([]);
    });

    test('with a rate makes few due at a time, and waits between', async () => {
      const store = await open();
      const { instanceId, target } = await withEnded(store, 3);
      await runOne(store.createReplays, aReplay({ instanceId, target, maxPerSecond: 0.001 }));
      expect(await stepAll(store, { maxRows: 10, maxDue: 10 })).toEqual([0, 1]);
      expect((await store.nextDue()).replays).toBeGreaterThan(60_000);
    });

    test('skips erased users, and ends when it is canceled or its webhook is deleted', async () => {
      const store = await open();
      const { instanceId, webhook, target } = await withEnded(store, 3);
      await runOne(store.eraseUsers, { instanceId, user: 'user 1' });
      const skipping = aReplay({ instanceId, target });
      await runOne(store.createReplays, skipping);
      await stepAll(store);
      expect(await store.findReplay(skipping)).toMatchObject({ state: 'done', resent: 2, skipped: 1 });
      expect(await runOne(store.cancelReplays, skipping)).toBe('ended');

      const canceled = aReplay({ instanceId, target });
      const deleted = aReplay({ instanceId, target });
      for (const replay of [canceled, deleted]) await runOne(store.createReplays, replay);
      expect(await runOne(store.cancelReplays, canceled)).toBe('canceled');
      expect(await runOne(store.cancelReplays, { instanceId, replayId: uuidV7() })).toBe('unknown-replay');
      expect(await runOne(store.deleteWebhooks, webhook)).toBe('deleted');
      expect(await stepAll(store)).toEqual([0]);
      const listed = await store.listReplays({ instanceId, limit: 2 });
      expect(listed.map(({ replayId, state, resent }) => [replayId, state, resent])).toEqual([
        [deleted.replayId, 'canceled', 0],
        [canceled.replayId, 'canceled', 0],
      ]);
      expect(await runOne(store.createReplays, aReplay({ instanceId, target }))).toBe('unknown-webhook');
    });

    test('that has ended is forgotten with its time, one that runs is not', async () => {
      const store = await open();
      const { instanceId, target } = await withEnded(store, 1);
      const [done, running] = [aReplay({ instanceId, target }), aReplay({ instanceId, target: 'url:a' })];
      for (const replay of [done, running]) await runOne(store.createReplays, replay);
      expect(await runOne(store.cancelReplays, done)).toBe('canceled');
      const before = Date.now() + 3 * 86_400_000;
      while ((await runOne(store.deleteExpired, { instanceId, before, maxRows: 10 })).more);
      expect(await store.findReplay(done)).toBeNull();
      expect(await store.findReplay(running)).toMatchObject({ state: 'running' });
      expect(await runOne(store.cancelReplays, running)).toBe('canceled');
    });
  });
}
