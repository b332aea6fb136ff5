import type { DatabaseSync } from 'node:sqlite';
import { v7 } from 'uuid';
import type { PublishKey } from '../../core/ports/publish-store.ts';
import type { EventType, PublishWebhookType } from '../../protocol/event-types.ts';
import { isEventType } from '../../protocol/event-types.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import { prepareTakeFeedPosition } from './feed.ts';
import { createGathering } from './gathering.ts';
import { prepare } from './statement.ts';
import { prepareListSubscribers } from './subscribers.ts';

/** Something that happened, before its messages are written. */
export interface OutboxEvent extends PublishKey {
  readonly type: EventType | PublishWebhookType;
  readonly id: string;
  readonly at: number;
  /** Who the event is about; null for events about the whole publish. */
  readonly userNumber: number | null;
  readonly deviceNumber: number | null;
  /** Of a click; null for other events. */
  readonly action: string | null;
}

/** Writes events and their messages, in the transaction of what caused them. */
export interface Outbox {
  /** An event about the whole publish: a row of its own. Reports carry their event themselves. */
  addEvent(publish: PublishKey, type: OutboxEvent['type']): OutboxEvent;
  /** A message to each webhook that subscribed to the event, lets it through and is not disabled; answers how many. */
  addToSubscribers(event: OutboxEvent & { readonly type: EventType }): number;
  /** A message to the `webhookUrl` of the publish; `held` until `release`. */
  addToPublishWebhook(event: OutboxEvent, held: boolean): void;
}

export function prepareOutbox(db: DatabaseSync): Outbox {
  const insertEvent = prepare(
    db,
    'INSERT INTO events (instance_id, day, id, type, happened_at, publish_id, feed_position) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const takeFeedPosition = prepareTakeFeedPosition(db);
  const listSubscribers = prepareListSubscribers(db);
  const insertMessage = prepare(
    db,
    `INSERT INTO messages (instance_id, day, id, webhook_id, event_type, event_id, event_at, publish_id, user_number,
       device_number, action, state, attempts, due_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?)`,
  );

  const gather = createGathering();

  const addMessage = (event: OutboxEvent, webhookId: string | null, dueAt: number | null) => {
    const { instanceId, publishId, type, userNumber, deviceNumber, action } = event;
    const id = v7();
    const day = uuidV7Day(id);
    insertMessage.run(
      ...[instanceId, day, id, webhookId, type, event.id, event.at, publishId, userNumber, deviceNumber, action, dueAt],
    );
  };

  return {
    addEvent: ({ instanceId, publishId }, type) => {
      const id = v7();
      const at = Date.now();
      // What publishes tell their own `webhookUrl` is no event of the instance.
      const feedPosition = isEventType(type) ? takeFeedPosition(instanceId) : null;
      insertEvent.run(instanceId, uuidV7Day(id), id, type, at, publishId, feedPosition);
      return { instanceId, publishId, type, id, at, userNumber: null, deviceNumber: null, action: null };
    },
    addToSubscribers: (event) => {
      const subscribers = listSubscribers(event);
      for (const subscriber of subscribers) addMessage(event, subscriber.webhookId, gather(subscriber));
      return subscribers.length;
    },
    addToPublishWebhook: (event, held) => addMessage(event, null, held ? null : Date.now()),
  };
}
