import type { Audience } from '../../core/ports/publish-store.ts';
import type { OutboxEvent } from '../rows/outbox-event.ts';
import type { Subscriber } from '../rows/subscription-rules.ts';
import { toSubscriber } from '../rows/subscription-rules.ts';
import type { Sql } from './database.ts';

interface SubscriptionRow {
  instance_id: string;
  event_type: string;
  webhook_id: string;
  rules: string | null;
  disabled: boolean;
}

const listSubscriptions = `
  SELECT s.instance_id, s.event_type, s.webhook_id, s.rules, w.disabled_at IS NOT NULL AS disabled
  FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::text[])) AS e (instance_id, event_type)
    JOIN webhook_subscriptions s ON s.instance_id = e.instance_id AND s.event_type = e.event_type
    JOIN webhooks w ON w.instance_id = s.instance_id AND w.id = s.webhook_id`;
const listAudiences = `
  SELECT p.instance_id, p.id, p.audience
  FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[])) AS e (instance_id, publish_id)
    JOIN publishes p ON p.instance_id = e.instance_id AND p.id = e.publish_id
  WHERE p.target_kind = 'interests'`;
const listNames = 'SELECT number, name FROM users WHERE number = ANY($1::bigint[]) AND name IS NOT NULL';

/** Webhooks that get each of the events, in order: they subscribed to its type, and their filter lets it through. */
export async function listSubscribers(
  sql: Sql,
  events: readonly OutboxEvent[],
): Promise<readonly (readonly Subscriber[])[]> {
  const subscriptions = Map.groupBy(
    await sql.all<SubscriptionRow>(listSubscriptions, [
      events.map(({ instanceId }) => instanceId),
      events.map(({ type }) => type),
    ]),
    (row) => `${row.instance_id} ${row.event_type}`,
  );
  const of = ({ instanceId, type }: OutboxEvent) => subscriptions.get(`${instanceId} ${type}`) ?? [];
  const filtered = events.filter((event) => of(event).some(({ rules }) => rules !== null));
  const interests = await readInterests(sql, filtered);
  const names = await readNames(sql, filtered);
  return events.map((event) => {
    const asked = {
      publishId: event.publishId,
      interests: () => interests.get(`${event.instanceId} ${event.publishId}`) ?? [],
      userName: () => (event.userNumber === null ? null : (names.get(event.userNumber) ?? null)),
    };
    return of(event).flatMap(({ webhook_id: webhookId, ...row }) => toSubscriber({ webhookId, ...row }, asked) ?? []);
  });
}

async function readInterests(sql: Sql, events: readonly OutboxEvent[]): Promise<Map<string, readonly string[]>> {
  const about = events.filter(({ publishId }) => publishId !== null);
  if (about.length === 0) return new Map();
  const rows = await sql.all<{ instance_id: string; id: string; audience: string }>(listAudiences, [
    about.map(({ instanceId }) => instanceId),
    about.map(({ publishId }) => publishId),
  ]);
  return new Map(
    rows.map(({ instance_id: instanceId, id, audience: text }) => {
      const audience = JSON.parse(text) as Audience;
      return [`${instanceId} ${id}`, audience.kind === 'interests' ? audience.interests : []];
    }),
  );
}

async function readNames(sql: Sql, events: readonly OutboxEvent[]): Promise<Map<number, string>> {
  const numbers = new Set(events.flatMap(({ userNumber }) => userNumber ?? []));
  if (numbers.size === 0) return new Map();
  const rows = await sql.all<{ number: number; name: string }>(listNames, [[...numbers]]);
  return new Map(rows.map(({ number, name }) => [number, name]));
}
