import type { WebhookBatch, WebhookFilter, WebhookOptions } from '../../core/ports/instance-store.ts';

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

/** What filters ask of an event; null: it is about no publish, or nobody. */
export interface FilteredEvent {
  readonly publishId: string | null;
  /** That the publish went to. */
  readonly interests: () => readonly string[];
  readonly userName: () => string | null;
}

/** The webhook that subscribed to events of this type; null when its filter does not let this one through. */
export function toSubscriber(
  { webhookId, rules, disabled }: Pick<Subscriber, 'webhookId' | 'disabled'> & { readonly rules: string | null },
  event: FilteredEvent,
): Subscriber | null {
  if (rules === null) return { webhookId, batch: null, disabled };
  const { filter = {}, batch = null } = JSON.parse(rules) as SubscriptionRules;
  // Filters choose among publishes; an event that is about none is for everybody who subscribed to it.
  return event.publishId === null || letsThrough(filter, event) ? { webhookId, batch, disabled } : null;
}

const letsThrough = ({ interests, userPrefix }: WebhookFilter, event: FilteredEvent): boolean =>
  (userPrefix === undefined || (event.userName()?.startsWith(userPrefix) ?? false)) &&
  (!interests || event.interests().some((interest) => interests.includes(interest)));
