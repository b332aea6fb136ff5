/** Events that an instance's webhooks can subscribe to. */
export const eventTypes = [
  'v1.PublishToUsersAttempt',
  'v1.UserNotificationAcknowledgement',
  'v1.UserNotificationOpen',
  'v1.NotificationDisplayed',
  'v1.NotificationClicked',
  'v1.NotificationDismissed',
] as const;
export type EventType = (typeof eventTypes)[number];

/** What is sent to the `webhookUrl` of a publish: its beginning and its end. */
export const publishWebhookTypes = ['publish.started', 'publish.finished'] as const;
export type PublishWebhookType = (typeof publishWebhookTypes)[number];
