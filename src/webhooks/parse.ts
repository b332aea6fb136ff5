import { isEventType } from '../protocol/event-types.ts';
import type { JsonObject, JsonValue } from '../protocol/json.ts';
import { classicEvents } from '../protocol/push-payload.ts';
import { WebhookError } from './webhook-error.ts';
import type { InstanceEvent, WebhookEvent } from './webhook-event.ts';

/**
 * The events in the body of a webhook, in order: one, or those of a batch. Checks no signature. The shapes inside `data` are
 * the server's word, not checked field by field. Throws a `WebhookError` for what Pharos does not send.
 */
export function parse(rawBody: string | Uint8Array): readonly WebhookEvent[] {
  const body = parseJson(typeof rawBody === 'string' ? rawBody : decode(rawBody));
  return (eventsOfBatch(body) ?? [body]).map(parseEvent);
}

/** A batch is `{"events": […]}`, in the format `standard` as `data` of the type `batch`. */
function eventsOfBatch(body: JsonValue): readonly JsonValue[] | null {
  if (!isObject(body)) return null;
  const list = isObject(body['data']) && body['type'] === 'batch' ? body['data'] : body;
  return Array.isArray(list['events']) ? (list['events'] as readonly JsonValue[]) : null;
}

function parseEvent(body: JsonValue): WebhookEvent {
  if (!isObject(body)) throw malformed('an event is no JSON object');
  const { id, metadata, payload, type, timestamp, data, event, publishId, status } = body;
  if (isObject(metadata) && isObject(payload) && typeof metadata['event_type'] === 'string') {
    const { event_type: name, event_id: eventId, created_at: createdAt } = metadata;
    const customData = isObject(body['custom_data']) ? body['custom_data'] : {};
    return instanceEvent(name, payload, parseTime(createdAt), textOrNull(eventId), customData);
  }
  if (typeof type === 'string' && isObject(data)) {
    return instanceEvent(type, data, parseTime(timestamp), textOrNull(id), {});
  }
  const classic = classicEvents.find((known) => known === event);
  if (classic) return { type: classic, data: body } as unknown as WebhookEvent;
  if (typeof publishId === 'string' && (status === 'STARTED' || status === 'FINISHED')) {
    return {
      type: status === 'STARTED' ? 'publish.started' : 'publish.finished',
      data: body,
    } as unknown as WebhookEvent;
  }
  throw malformed('an event has none of the known forms');
}

function instanceEvent(
  name: string,
  data: JsonObject,
  happenedAt: Date,
  id: string | null,
  customData: JsonObject,
): WebhookEvent {
  if (!isEventType(name)) return { type: 'unknown', name, data };
  return { type: name, id, happenedAt, data, customData } as unknown as InstanceEvent;
}

/** ISO 8601, also with Beams' `+0000`, which not every engine reads. */
function parseTime(text: JsonValue | undefined): Date {
  const time = new Date(typeof text === 'string' ? text.replace(/\+0000$/, 'Z') : Number.NaN);
  if (Number.isNaN(time.getTime())) throw malformed('an event has no time');
  return time;
}

const textOrNull = (value: JsonValue | undefined): string | null => (typeof value === 'string' ? value : null);

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new WebhookError('malformed-body', 'the body is not JSON', { cause });
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new WebhookError('malformed-body', 'the body is not UTF-8', { cause });
  }
}

const malformed = (what: string): WebhookError => new WebhookError('malformed-body', `the body is no webhook: ${what}`);
