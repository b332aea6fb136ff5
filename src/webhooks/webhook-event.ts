import type { EventType } from '../protocol/event-types.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ClassicEvent } from '../protocol/push-payload.ts';
import type { ClassicWebhookBody, EventPayloads, PublishWebhookBody } from '../protocol/webhook-body.ts';

/** What happened, told apart by `type`. The formats `beams` and `standard` give the same events. */
export type WebhookEvent = InstanceEvent | ClassicWebhook | PublishWebhook | UnknownEvent;

export type InstanceEvent = {
  readonly [Type in EventType]: {
    readonly type: Type;
    /**
     * The same on every repeat. In the format `standard` events of a batch have one; null for one that is alone: the id of
     * the request is its id.
     */
    readonly id: string | null;
    readonly happenedAt: Date;
    readonly data: EventPayloads[Type];
    /** As the webhook was given it; only the format `beams` has it. */
    readonly customData: JsonObject;
  };
}[EventType];

/** The format `classic`. */
export interface ClassicWebhook {
  readonly type: ClassicEvent;
  readonly data: ClassicWebhookBody;
}

/** What the `webhookUrl` of a publish gets. Such requests have no signature. */
export type PublishWebhook =
  | { readonly type: 'publish.started'; readonly data: Extract<PublishWebhookBody, { status: 'STARTED' }> }
  | { readonly type: 'publish.finished'; readonly data: Extract<PublishWebhookBody, { status: 'FINISHED' }> };

/** Of a later release of the server. */
export interface UnknownEvent {
  readonly type: 'unknown';
  readonly name: string;
  readonly data: JsonObject;
}
