import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  anAttempt,
  anInstance,
  aWebhook,
  aWebhookOptions,
  claimMessages,
  createInstance,
  createWebhook,
  fanOut,
  listMessages,
  toUsers,
} from './fixtures.ts';

export function instancesSuite(open: OpenStore): void {
  describe('instances', () => {
    test('an instance is created once and found again', async () => {
      const store = await open();
      const instance = anInstance({ allowedOrigins: ['https://a.example'] });
      expect(await store.findInstance(instance.id)).toBeNull();
      expect(await runOne(store.createInstances, instance)).toBe('created');
      expect(await runOne(store.createInstances, { ...instance, name: 'other' })).toBe('exists');
      expect(await store.findInstance(instance.id)).toEqual(instance);
    });

    test('instances are listed oldest first, page by page', async () => {
      const store = await open();
      const [young, old, twin] = [{ createdAt: 2 }, { createdAt: 1 }, { createdAt: 1 }].map(anInstance);
      if (!young || !old || !twin) throw new Error('three were made');
      await store.createInstances([young, old, twin]);
      const expected = [...[old.id, twin.id].toSorted(), young.id];
      // Other tests may have made some in the same database.
      const list = async (after: string | null, limit = 10_000) =>
        (await store.listInstances({ after, limit })).map(({ id }) => id).filter((id) => expected.includes(id));
      expect(await list(null)).toEqual(expected);
      for (const [index, id] of expected.entries()) expect(await list(id)).toEqual(expected.slice(index + 1));
      expect(await store.listInstances({ after: null, limit: 1 })).toHaveLength(1);
      expect(await list(randomUUID())).toEqual([]);
    });

    test('name and allowed origins are replaced', async () => {
      const store = await open();
      const instance = anInstance({ allowedOrigins: ['https://a.example'] });
      await runOne(store.createInstances, instance);
      const change = { id: instance.id, name: 'new', allowedOrigins: null, feed: true };
      expect(await runOne(store.updateInstances, change)).toBe('updated');
      expect(await store.findInstance(instance.id)).toEqual({ ...instance, ...change });
      expect(await runOne(store.updateInstances, { ...change, id: randomUUID() })).toBe('unknown-instance');
    });
  });

  describe('webhooks', () => {
    test('a webhook is created, found, listed, replaced and deleted', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const young = aWebhook(instanceId, { createdAt: 2 });
      const old = aWebhook(instanceId, {
        createdAt: 1,
        events: ['v1.PublishToUsersAttempt', 'v1.UserNotificationOpen'],
      });
      await createWebhook(store, young);
      await createWebhook(store, old);
      expect(await store.findWebhook(instanceId, old.id)).toEqual(old);
      expect(await store.findWebhook(randomUUID(), old.id)).toBeNull();
      expect(await store.listWebhooks(instanceId)).toEqual([old, young]);

      const sealed = (text: string) => new Uint8Array(Buffer.from(text));
      const { createdAt, ...change } = {
        ...old,
        ...{ events: [], customData: '{}', disabledAt: 5, secret: sealed('new'), signingKey: sealed('key') },
        ...{ previousSecret: { secret: old.secret, endsAt: 9 }, headers: sealed('headers') },
        options: aWebhookOptions({ filter: { userPrefix: 'a' }, batch: { maxEvents: 2, maxWaitMs: 3 } }),
      };
      const update = { ...change, expected: old.secret };
      expect(await runOne(store.updateWebhooks, update)).toBe('updated');
      expect(await store.findWebhook(instanceId, old.id)).toEqual({ ...change, createdAt });
      expect(await runOne(store.updateWebhooks, { ...update, disabledAt: null })).toBe('changed');
      expect(await store.findWebhook(instanceId, old.id)).toEqual({ ...change, createdAt });

      expect(await runOne(store.deleteWebhooks, { instanceId, id: old.id })).toBe('deleted');
      expect(await runOne(store.deleteWebhooks, { instanceId, id: old.id })).toBe('unknown-webhook');
      expect(await runOne(store.updateWebhooks, update)).toBe('unknown-webhook');
      expect(await store.listWebhooks(instanceId)).toEqual([young]);
    });

    test('a webhook needs its instance', async () => {
      const store = await open();
      expect(await runOne(store.createWebhooks, aWebhook(randomUUID()))).toBe('unknown-instance');
    });

    test('deleting a webhook drops its waiting messages and nobody else’s', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const events = ['v1.PublishToUsersAttempt'] as const;
      const doomed = await createWebhook(store, aWebhook(instanceId, { events }));
      const other = await createWebhook(store, aWebhook(instanceId, { events }));
      await fanOut(store, await accept(store, instanceId, toUsers('anna')));
      await runOne(store.deleteWebhooks, doomed);
      expect(await runOne(store.dropMessages, { ...doomed, limit: 10, after: null })).toMatchObject({ more: false });
      const dropped = await listMessages(store, { instanceId, webhookId: doomed.id, limit: 10 });
      expect(dropped.map(({ state, dueAt }) => ({ state, dueAt }))).toEqual([{ state: 'dropped', dueAt: null }]);
      expect((await claimMessages(store, instanceId)).map(({ webhookId }) => webhookId)).toEqual([other.id]);
    });

    test('of a deleted webhook some messages are dropped at a time, what waits before what is held; it is known until the end', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const events = ['v1.PublishToUsersAttempt'] as const;
      const webhook = await createWebhook(store, aWebhook(instanceId, { events }));
      const tell = async () => fanOut(store, await accept(store, instanceId, toUsers('anna')));
      const { createdAt: _, format: __, ...same } = { ...webhook, expected: webhook.secret };
      await tell();
      const [first] = await claimMessages(store, instanceId);
      if (!first) throw new Error('nothing is due');
      await runOne(store.completeAttempts, { ...first, attempt: anAttempt(), next: { kind: 'exhausted' } });
      await runOne(store.updateWebhooks, { ...same, disabledAt: 5 });
      await tell();
      await runOne(store.updateWebhooks, same);
      for (let count = 0; count < 3; count += 1) await tell();
      const states = async () => (await listMessages(store, { instanceId, limit: 10 })).map(({ state }) => state);
      expect(await states()).toEqual(['waiting', 'waiting', 'waiting', 'held', 'exhausted']);
      const step = (after: string | null) => runOne(store.dropMessages, { ...webhook, limit: 2, after });
      const deleted = async () => (await store.listDeletedWebhooks()).filter((key) => key.instanceId === instanceId);
      expect(await step(null)).toEqual({ more: false, after: null });
      expect(await deleted()).toEqual([]);
      expect(await runOne(store.deleteWebhooks, webhook)).toBe('deleted');
      expect(await step(null)).toEqual({ more: true, after: null });
      expect((await states()).toSorted()).toEqual(['dropped', 'dropped', 'exhausted', 'held', 'waiting']);
      const second = await step(null);
      expect(second).toEqual({ more: true, after: expect.any(String) });
      expect(await states()).toEqual(['dropped', 'dropped', 'dropped', 'dropped', 'exhausted']);
      expect(await deleted()).toEqual([{ instanceId, id: webhook.id }]);
      expect(await step(second.after)).toMatchObject({ more: false });
      expect(await deleted()).toEqual([]);
    });

    test('messages for a disabled webhook are held', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const events = ['v1.PublishToUsersAttempt'] as const;
      const { id } = await createWebhook(store, aWebhook(instanceId, { events, disabledAt: 5 }));
      await fanOut(store, await accept(store, instanceId, toUsers('anna')));
      const messages = await listMessages(store, { instanceId, webhookId: id, limit: 10 });
      expect(messages).toMatchObject([{ state: 'held', dueAt: null }]);
      expect(await claimMessages(store, instanceId)).toEqual([]);
    });
  });
}
