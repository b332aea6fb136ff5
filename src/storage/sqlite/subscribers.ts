import type { DatabaseSync } from 'node:sqlite';
import type { Audience } from '../../core/ports/publish-store.ts';
import type { EventType } from '../../protocol/event-types.ts';
import type { Subscriber } from '../rows/subscription-rules.ts';
import { toSubscriber } from '../rows/subscription-rules.ts';
import { prepare } from './statement.ts';

interface WrittenEvent {
  readonly instanceId: string;
  readonly publishId: string | null;
  readonly userNumber: number | null;
  readonly type: EventType;
}

/** Webhooks that get an event: they subscribed to its type, and their filter lets it through. */
export function prepareListSubscribers(db: DatabaseSync): (event: WrittenEvent) => readonly Subscriber[] {
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

  const interestsOf = ({ instanceId, publishId }: WrittenEvent): readonly string[] => {
    const publish = publishId === null ? undefined : findAudience.get(instanceId, publishId);
    const audience = publish && (JSON.parse(publish.audience) as Audience);
    return audience?.kind === 'interests' ? audience.interests : [];
  };
  const nameOf = ({ userNumber }: WrittenEvent): string | null =>
    userNumber === null ? null : (findUser.get(userNumber)?.name ?? null);

  return (event) =>
    listSubscriptions.all(event.instanceId, event.type).flatMap(({ id: webhookId, rules, disabled }) => {
      const { publishId } = event;
      const asked = { publishId, interests: () => interestsOf(event), userName: () => nameOf(event) };
      return toSubscriber({ webhookId, rules, disabled: disabled === 1 }, asked) ?? [];
    });
}
