import type { ClassicEvent } from './push-payload.ts';

/** Events that an instance's webhooks can subscribe to. */
export const eventTypes = [
  'v1.PublishToUsersAttempt',
  'v1.UserNotificationAcknowledgement',
  'v1.UserNotificationOpen',
  'v1.NotificationDisplayed',
  'v1.NotificationClicked',
  'v1.NotificationDismissed',
  'v1.WebhookDisabled',
  'v1.CredentialsExpiring',
] as const;
export type EventType = (typeof eventTypes)[number];

export const isEventType = (type: string): type is EventType => (eventTypes as readonly string[]).includes(type);

/** Those that OneSignal's classic webhooks have too, with the names that they have there. */
export const classicEventOf = {
  'v1.NotificationDisplayed': 'notification.displayed',
  'v1.NotificationClicked': 'notification.clicked',
  'v1.NotificationDismissed': 'notification.dismissed',
} as const satisfies Partial<Record<EventType, ClassicEvent>>;
export type ClassicEventType = keyof typeof classicEventOf;

export const isClassicEventType = (type: string): type is ClassicEventType => Object.hasOwn(classicEventOf, type);

/** What is sent to the `webhookUrl` of a publish: its beginning and its end. */
export const publishWebhookTypes = ['publish.started', 'publish.finished'] as const;
export type PublishWebhookType = (typeof publishWebhookTypes)[number];
