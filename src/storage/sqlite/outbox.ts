import type { DatabaseSync } from 'node:sqlite';
import type { PublishKey } from '../../core/ports/publish-store.ts';
import type { EventType } from '../../protocol/event-types.ts';
import { isEventType } from '../../protocol/event-types.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
import { createGathering } from '../rows/gathering.ts';
import type { OperatorEvents, OutboxEvent } from '../rows/outbox-event.ts';
import { prepareTakeFeedPosition } from './feed.ts';
import { prepareHurryTurn } from './message-turns.ts';
import { prepare } from './statement.ts';
import { prepareListSubscribers } from './subscribers.ts';

/**
 * Writes events and their messages, in the transaction of what caused them. All who write share one: it counts what goes out
 * together.
 */
export interface Outbox {
  /** An event about the whole publish: a row of its own. Reports carry their event themselves. */
  addEvent(publish: PublishKey, type: OutboxEvent['type']): OutboxEvent;
  /** An event that the operator is told of: a message to each webhook that subscribed to it, but for one that is disabled by it. */
  announce<Type extends keyof OperatorEvents>(instanceId: string, type: Type, details: OperatorEvents[Type]): void;
  /**
   * A message to each webhook that subscribed to the event and lets it through, held where the webhook is disabled;
   * answers how many are to be sent.
   */
  addToSubscribers(event: OutboxEvent & { readonly type: EventType }): number;
  /** A message to the `webhookUrl` of the publish; when it is held, another message's completion makes it due. */
  addToUrl(event: OutboxEvent, target: string, held: boolean): void;
}

export function prepareOutbox(db: DatabaseSync): Outbox {
  const insertEvent = prepare(
    db,
    `INSERT INTO events (instance_id, day, id, type, happened_at, publish_id, details, feed_position)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const takeFeedPosition = prepareTakeFeedPosition(db);
  const listSubscribers = prepareListSubscribers(db);
  const insertMessage = prepare(
    db,
    `INSERT INTO messages (instance_id, day, id, target, event_type, event_id, event_at, publish_id, user_number,
       device_number, action, details, state, attempts, due_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`,
  );

  const hurryTurn = prepareHurryTurn(db);
  const gather = createGathering();

  const addMessage = (event: OutboxEvent, target: string, state: 'waiting' | 'held', dueAt: number | null) => {
    const { instanceId, publishId, type, userNumber, deviceNumber, action, details } = event;
    const id = uuidV7();
    insertMessage.run(
      ...[instanceId, uuidV7Day(id), id, target, type, event.id, event.at, publishId, userNumber, deviceNumber],
      ...[action, details && JSON.stringify(details), state, dueAt],
    );
    if (dueAt !== null) hurryTurn({ instanceId, target }, dueAt);
  };
  const addEvent = (
    { instanceId, publishId }: Pick<OutboxEvent, 'instanceId' | 'publishId'>,
    type: OutboxEvent['type'],
    details: OutboxEvent['details'],
  ): OutboxEvent => {
    const id = uuidV7();
    const at = Date.now();
    // What publishes tell their own `webhookUrl` is no event of the instance.
    const feedPosition = isEventType(type) ? takeFeedPosition(instanceId) : null;
    const written = details && JSON.stringify(details);
    insertEvent.run(instanceId, uuidV7Day(id), id, type, at, publishId, written, feedPosition);
    return { instanceId, publishId, type, id, at, userNumber: null, deviceNumber: null, action: null, details };
  };
  const addToSubscribers = (event: OutboxEvent & { readonly type: EventType }): number => {
    const { details } = event;
    const disabledNow = details && 'webhookId' in details ? details.webhookId : null;
    let waiting = 0;
    for (const subscriber of listSubscribers(event)) {
      const { webhookId, disabled } = subscriber;
      if (webhookId === disabledNow) continue;
      if (disabled) addMessage(event, webhookId, 'held', null);
      else addMessage(event, webhookId, 'waiting', gather(subscriber));
      if (!disabled) waiting += 1;
    }
    return waiting;
  };

  return {
    addEvent: (publish, type) => addEvent(publish, type, null),
    announce: (instanceId, type, details) => {
      addToSubscribers({ ...addEvent({ instanceId, publishId: null }, type, details), type });
    },
    addToSubscribers,
    addToUrl: (event, target, held) => addMessage(event, target, 'waiting', held ? null : Date.now()),
  };
}
