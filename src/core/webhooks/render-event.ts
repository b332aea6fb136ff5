import type { EventType } from '../../protocol/event-types.ts';
import { isClassicEventType, isEventType } from '../../protocol/event-types.ts';
import type { WebhookBody } from '../../protocol/webhook-body.ts';
import type { EventReference } from '../ports/message-store.ts';
import type { PublishKey, PublishQueries, PublishSummary } from '../ports/publish-store.ts';
import { SharedCache } from '../instances/shared-cache.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { PublishContent } from '../ports/publish-body.ts';
import { openPublishBody } from '../publish/publish-body.ts';
import {
  renderCredentialsExpiring,
  renderNotificationEvent,
  renderPublishToUsersAttempt,
  renderUserNotification,
  renderWebhookDisabled,
} from './render-message.ts';

export interface RenderEventDeps {
  readonly store: Pick<PublishQueries, 'summarizePublish'>;
  readonly sealer: Sealer;
}

/** An event for an instance's webhooks, or its feed. */
export type InstanceEvent = EventReference & { readonly eventType: EventType };

export const isInstanceEvent = <Event extends EventReference>(
  event: Event,
): event is Event & { readonly eventType: EventType } => isEventType(event.eventType);

/** What an event tells, with the names that are known now. `user-erased`: nothing may be told any more. */
export async function renderEvent(
  deps: RenderEventDeps,
  event: InstanceEvent,
): Promise<WebhookBody['payload'] | 'user-erased'> {
  if (event.eventType === 'v1.WebhookDisabled') return renderWebhookDisabled(event);
  if (event.eventType === 'v1.CredentialsExpiring') return renderCredentialsExpiring(event);
  const about = ofPublish(event);
  if (event.eventType === 'v1.PublishToUsersAttempt') return renderPublishToUsersAttempt(await summarize(deps, about));
  if (event.user === 'erased') return 'user-erased';
  if (isClassicEventType(event.eventType)) {
    if (!event.device) throw new Error(`event ${event.eventId} (${event.eventType}) names no device`);
    const { web } = await contentOf(deps, about);
    return renderNotificationEvent(about, event.device, event.user, web?.notification);
  }
  if (!event.user) throw new Error(`event ${event.eventId} (${event.eventType}) names no user`);
  return renderUserNotification(about, event.user.name);
}

/** Of the events that are about a publish: all that the operator is not told of. */
export function ofPublish<Event extends EventReference>(event: Event): Event & PublishKey {
  const { publishId } = event;
  if (publishId === null) throw new Error(`event ${event.eventId} (${event.eventType}) is about no publish`);
  return { ...event, publishId };
}

/** Events come in crowds, all about the same few publishes. */
const maxContents = 64;
const contents = new WeakMap<Sealer, SharedCache<PublishContent>>();

/** What the publish says, read and opened once for many events. */
export async function contentOf(deps: RenderEventDeps, about: PublishKey): Promise<PublishContent> {
  const known = contents.get(deps.sealer) ?? new SharedCache<PublishContent>(maxContents);
  contents.set(deps.sealer, known);
  const open = async () => openPublishBody(deps.sealer, about, (await summarize(deps, about)).body).content;
  return (await known.get(`${about.instanceId}/${about.publishId}`, open)) as PublishContent;
}

export async function summarize(
  { store }: RenderEventDeps,
  { instanceId, publishId }: PublishKey,
): Promise<PublishSummary> {
  const summary = await store.summarizePublish({ instanceId, publishId });
  if (!summary) throw new Error(`an event is about publish ${publishId}, which is not stored`);
  return summary;
}
