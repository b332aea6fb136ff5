import type { ReceivedWebhook } from '../test/support/webhook-receiver.ts';

/** One line about a webhook, for people. */
export function describeWebhook({ json, eventType, request, signatureIsGood }: ReceivedWebhook): string {
  if (!eventType)
    return `publish ${String(json?.['status'])} (${request.headers.authorization ? 'with' : 'without'} Basic credentials)`;
  const payload = (json?.['payload'] ?? {}) as Record<string, unknown>;
  const about =
    eventType === 'v1.PublishToUsersAttempt'
      ? ['delivered_to_gateway', 'no_devices', 'gateway_failed']
          .map((list) => `${list}: ${[payload[`users_${list}`]].flat().join(', ') || '–'}`)
          .join(' · ')
      : String(payload['user_id']);
  return `${eventType} [signature ${signatureIsGood ? 'good' : 'WRONG'}] ${about}`;
}
