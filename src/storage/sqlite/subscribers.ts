import type { DatabaseSync } from 'node:sqlite';
import type { WebhookBatch, WebhookFilter, WebhookOptions } from '../../core/ports/instance-store.ts';
import type { Audience } from '../../core/ports/publish-store.ts';
import type { EventType } from '../../protocol/event-types.ts';
import { prepare } from './statement.ts';

/** What a subscription does other than to take every event at once; most have no such rules. */
interface SubscriptionRules {
  readonly filter?: WebhookFilter;
  readonly batch?: WebhookBatch;
}

/** The rules as they stand with each subscription of the webhook: whoever writes an event need not read its options. */
export function toRules({ filter, batch }: Pick<WebhookOptions, 'filter' | 'batch'>): string | null {
  const isFiltered = Object.keys(filter).length > 0;
  if (!isFiltered && !batch) return null;
  return JSON.stringify({ ...(isFiltered && { filter }), ...(batch && { batch }) } satisfies SubscriptionRules);
}

export interface Subscriber {
  readonly webhookId: string;
  readonly batch: WebhookBatch | null;
  /** Its messages are held. */
  readonly disabled: boolean;
}

interface FilteredEvent {
  readonly instanceId: string;
  readonly publishId: string | null;
  readonly userNumber: number | null;
  readonly type: EventType;
}

/** Webhooks that get an event: they subscribed to its type, and their filter lets it through. */
export function prepareListSubscribers(db: DatabaseSync): (event: FilteredEvent) => readonly Subscriber[] {
  const listSubscriptions = prepare<{ id: string; rules: string | null; disabled: 0 | 1 }>(
    db,
    `SELECT w.id, s.rules, w.disabled_at IS NOT NULL AS disabled FROM webhook_subscriptions s
       JOIN webhooks w ON w.instance_id = s.instance_id AND w.id = s.webhook_id
     WHERE s.instance_id = ? AND s.event_type = ?`,
  );
  const findAudience = prepare<{ audience: string }>(
    db,
    'SELECT audience FROM publishes WHERE instance_id = ? AND id = ?',
  );
  const findUser = prepare<{ name: string | null }>(db, 'SELECT name FROM users WHERE number = ?');

  const hasInterest = ({ instanceId, publishId }: FilteredEvent, wanted: readonly string[]): boolean => {
    const publish = publishId === null ? undefined : findAudience.get(instanceId, publishId);
    const audience = publish && (JSON.parse(publish.audience) as Audience);
    return audience?.kind === 'interests' && audience.interests.some((interest) => wanted.includes(interest));
  };
  const isAboutUser = ({ userNumber }: FilteredEvent, prefix: string): boolean =>
    userNumber !== null && (findUser.get(userNumber)?.name?.startsWith(prefix) ?? false);
  const fits = (event: FilteredEvent, { interests, userPrefix }: WebhookFilter): boolean =>
    (userPrefix === undefined || isAboutUser(event, userPrefix)) && (!interests || hasInterest(event, interests));

  return (event) =>
    listSubscriptions.all(event.instanceId, event.type).flatMap(({ id: webhookId, rules, disabled: isDisabled }) => {
      const disabled = isDisabled === 1;
      if (rules === null) return { webhookId, batch: null, disabled };
      const { filter = {}, batch = null } = JSON.parse(rules) as SubscriptionRules;
      // Filters choose among publishes; an event that is about none is for everybody who subscribed to it.
      return event.publishId === null || fits(event, filter) ? { webhookId, batch, disabled } : [];
    });
}
