import type { PublishKey } from '../../core/ports/publish-store.ts';
import type { EventType } from '../../protocol/event-types.ts';
import { isEventType } from '../../protocol/event-types.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
import { createGathering } from '../rows/gathering.ts';
import type { OperatorEvents, OutboxEvent } from '../rows/outbox-event.ts';
import type { Sql } from './database.ts';
import { enablingLock } from './instance-locks.ts';
import { listSubscribers } from './subscribers.ts';

// What publishes tell their own `webhookUrl` is no event of the instance: it is in no feed.
const insertEvents = `
  INSERT INTO events (instance_id, day, id, type, happened_at, publish_id, details, feed_position)
  SELECT e.instance_id, e.day, e.id, e.type, pharos_now(), e.publish_id, e.details,
    CASE WHEN e.is_fed AND EXISTS (SELECT FROM feeds f WHERE f.instance_id = e.instance_id AND f.is_on)
      THEN (SELECT pharos_feed_position()) END
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::boolean[])
    AS e (instance_id, day, id, type, publish_id, details, is_fed)
  RETURNING happened_at`;

type NewEvent = Pick<OutboxEvent, 'instanceId' | 'publishId' | 'type' | 'details'>;

/** Writes events about whole publishes, or about none: rows of their own. Reports carry their event themselves. */
async function insert(sql: Sql, events: readonly NewEvent[]): Promise<readonly OutboxEvent[]> {
  const ids = events.map(() => uuidV7(sql.clock()));
  const rows = await sql.all<{ happened_at: number }>(insertEvents, [
    events.map(({ instanceId }) => instanceId),
    ids.map(uuidV7Day),
    ids,
    events.map(({ type }) => type),
    events.map(({ publishId }) => publishId),
    events.map(({ details }) => details && JSON.stringify(details)),
    events.map(({ type }) => isEventType(type)),
  ]);
  // All of a statement happen at the same time.
  const at = rows[0]?.happened_at ?? 0;
  return events.map((event, index) => ({
    ...{ ...event, id: ids[index] ?? '', at },
    ...{ userNumber: null, deviceNumber: null, action: null },
  }));
}

/** Writes an event about each publish; answers them in order. */
export const addEvents = (
  sql: Sql,
  publishes: readonly PublishKey[],
  type: OutboxEvent['type'],
): Promise<readonly OutboxEvent[]> =>
  publishes.length === 0
    ? Promise.resolve([])
    : insert(
        sql,
        publishes.map(({ instanceId, publishId }) => ({ instanceId, publishId, type, details: null })),
      );

/** An event that the operator is told of: a message to each webhook that subscribed to it, but for one that is disabled by it. */
export async function announce<Type extends keyof OperatorEvents>(
  sql: Sql,
  instanceId: string,
  type: Type,
  details: OperatorEvents[Type],
): Promise<void> {
  const [event] = await insert(sql, [{ instanceId, publishId: null, type, details }]);
  if (event) await addToSubscribers(sql, [{ ...event, type }]);
}

interface NewMessage {
  readonly event: OutboxEvent;
  readonly target: string;
  readonly state: 'waiting' | 'held';
  /** Null: something else makes it due. */
  readonly dueInMs: number | null;
}

const insertMessages = `
  WITH written AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::bigint[],
      $8::uuid[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::bigint[])
      AS m (instance_id, day, id, target, event_type, event_id, event_at, publish_id, user_number, device_number, action,
        details, state, due_in)
  ), queued AS (
    INSERT INTO message_queue (instance_id, target, day, message_id, due_at, tries)
    SELECT instance_id, target, day, id, pharos_now() + due_in, 0 FROM written WHERE due_in IS NOT NULL
  )
  INSERT INTO messages (instance_id, day, id, target, event_type, event_id, event_at, publish_id, user_number,
    device_number, action, details, state, attempts)
  SELECT instance_id, day, id, target, event_type, event_id, event_at, publish_id, user_number, device_number, action,
    details, state, 0
  FROM written`;

async function write(sql: Sql, messages: readonly NewMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const ids = messages.map(() => uuidV7(sql.clock()));
  await sql.run(insertMessages, [
    messages.map(({ event }) => event.instanceId),
    ids.map(uuidV7Day),
    ids,
    messages.map(({ target }) => target),
    messages.map(({ event }) => event.type),
    messages.map(({ event }) => event.id),
    messages.map(({ event }) => event.at),
    messages.map(({ event }) => event.publishId),
    messages.map(({ event }) => event.userNumber),
    messages.map(({ event }) => event.deviceNumber),
    messages.map(({ event }) => event.action),
    messages.map(({ event: { details } }) => details && JSON.stringify(details)),
    messages.map(({ state }) => state),
    messages.map(({ dueInMs }) => dueInMs),
  ]);
}

const gather = createGathering();

/**
 * A message to each webhook that subscribed to an event and lets it through, held where the webhook is disabled; answers
 * how many are to be sent, by event.
 */
export async function addToSubscribers(
  sql: Sql,
  events: readonly (OutboxEvent & { readonly type: EventType })[],
): Promise<readonly number[]> {
  if (events.length === 0) return [];
  const subscribers = await listPresentSubscribers(sql, events);
  const messages = events.map((event, index) => {
    const { details } = event;
    const disabledNow = details && 'webhookId' in details ? details.webhookId : null;
    return (subscribers[index] ?? [])
      .filter(({ webhookId }) => webhookId !== disabledNow)
      .map((subscriber): NewMessage => {
        const { webhookId: target, disabled } = subscriber;
        if (disabled) return { event, target, state: 'held', dueInMs: null };
        return { event, target, state: 'waiting', dueInMs: Math.max(0, gather(subscriber) - Date.now()) };
      });
  });
  await write(sql, messages.flat());
  return messages.map((ofEvent) => ofEvent.filter(({ state }) => state === 'waiting').length);
}

/** As they are until the transaction has ended: one that is enabled meanwhile would not be sent what is held for it here. */
async function listPresentSubscribers(sql: Sql, events: readonly OutboxEvent[]): ReturnType<typeof listSubscribers> {
  const subscribers = await listSubscribers(sql, events);
  const withDisabled = events.filter((_, index) => subscribers[index]?.some(({ disabled }) => disabled));
  if (withDisabled.length === 0) return subscribers;
  await enablingLock.share(
    sql,
    withDisabled.map(({ instanceId }) => instanceId),
  );
  return listSubscribers(sql, events);
}

/** Messages to the `webhookUrl`s of publishes; when one is held, another message's completion makes it due. */
export const addToUrls = (
  sql: Sql,
  messages: readonly { readonly event: OutboxEvent; readonly target: string; readonly held: boolean }[],
): Promise<void> =>
  write(
    sql,
    messages.map(({ event, target, held }) => ({ event, target, state: 'waiting', dueInMs: held ? null : 0 })),
  );
