import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { WebhookFilter } from '../../core/ports/instance-store.ts';
import type { PublishTarget } from '../../core/ports/publish-store.ts';
import type { EventType } from '../../protocol/event-types.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  aReport,
  aWebhook,
  claimMessages,
  createInstance,
  createWebhook,
  aWebhookOptions,
  fanOut,
  register,
  toInterests,
  toUsers,
} from './fixtures.ts';

const displayed = 'v1.NotificationDisplayed';
const attempt = 'v1.PublishToUsersAttempt';
const acknowledgement = 'v1.UserNotificationAcknowledgement';
const everyone: PublishTarget = { kind: 'everyone' };

/** Of a publish, delivered to a device of anna (or nobody's) that acknowledges and displays it. */
const cases: readonly (readonly [WebhookFilter, PublishTarget, string | undefined, readonly EventType[]])[] = [
  [{}, toUsers('anna'), 'anna', [attempt, acknowledgement, displayed]],
  [{ interests: ['a'] }, toInterests('b', 'a'), 'anna', [acknowledgement, displayed]],
  [{ interests: ['a', 'c'] }, toInterests('c'), undefined, [displayed]],
  [{ interests: ['a'] }, toInterests('ab', 'A'), 'anna', []],
  [{ interests: ['anna'] }, toUsers('anna'), 'anna', []],
  [{ interests: ['a'] }, everyone, 'anna', []],
  [{ userPrefix: 'an' }, toUsers('anna'), 'anna', [acknowledgement, displayed]],
  [{ userPrefix: 'anna' }, toInterests('a'), 'anna', [acknowledgement, displayed]],
  [{ userPrefix: 'An' }, toUsers('anna'), 'anna', []],
  [{ userPrefix: '%' }, toUsers('anna'), 'anna', []],
  [{ userPrefix: 'an' }, toInterests('a'), undefined, []],
  [{ userPrefix: 'an', interests: ['a'] }, toInterests('a'), 'anna', [acknowledgement, displayed]],
  [{ userPrefix: 'b', interests: ['a'] }, toInterests('a'), 'anna', []],
  [{ userPrefix: 'an', interests: ['b'] }, toInterests('a'), 'anna', []],
];

export function filtersSuite(open: OpenStore): void {
  describe('a filter', () => {
    test('lets through what fits all of its conditions', async () => {
      const store = await open();
      const seen = [];
      for (const [filter, target, user] of cases) {
        const instanceId = await createInstance(store);
        const events = [attempt, acknowledgement, displayed] as const;
        await createWebhook(store, aWebhook(instanceId, { events, options: aWebhookOptions({ filter }) }));
        const device = await register(store, instanceId, { interests: ['a'], ...(user !== undefined && { user }) });
        const publish = await accept(store, instanceId, target);
        await fanOut(store, publish);
        for (const kind of ['delivery', 'displayed'] as const) {
          await runOne(store.recordReports, aReport(publish, device, { kind }));
        }
        const types = (await claimMessages(store, instanceId)).map(({ eventType }) => eventType);
        seen.push([filter, target, user, types.sort()]);
      }
      expect(seen).toEqual(cases.map(([filter, target, user, types]) => [filter, target, user, [...types].sort()]));
    });

    test('holds for what comes after it was changed', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const webhook = await createWebhook(store, aWebhook(instanceId, { events: [displayed] }));
      const change = async (filter: WebhookFilter): Promise<void> => {
        const options = aWebhookOptions({ filter });
        const changed = { ...webhook, options, expected: webhook.secret };
        expect(await runOne(store.updateWebhooks, changed)).toBe('updated');
      };
      const publish = await accept(store, instanceId, toInterests('a'));
      const report = async () =>
        runOne(store.recordReports, aReport(publish, await register(store, instanceId), { kind: 'displayed' }));
      await change({ interests: ['b'] });
      expect(await report()).toEqual({ kind: 'recorded', messages: 0 });
      await change({});
      expect(await report()).toEqual({ kind: 'recorded', messages: 1 });
    });
  });
}
