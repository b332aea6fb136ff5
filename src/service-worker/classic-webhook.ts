import type { InstanceRecord } from '../browser/instance-record.ts';
import type { OutboxItem } from '../browser/outbox-item.ts';
import type { ClassicEvent } from '../protocol/push-payload.ts';
import type { Occurrence } from './occurrence.ts';

/** OneSignal's classic webhook for what happened; null when the page named no URL for it, or the server sends it. */
export function classicWebhook(occurrence: Occurrence, instance: InstanceRecord | undefined): OutboxItem | null {
  const { kind, payload, metadata, state, action } = occurrence;
  const event: ClassicEvent = `notification.${kind}`;
  const url = instance?.webhooks?.urls[event];
  if (!instance?.webhooks || !url || (metadata.relayedEvents ?? instance.relayedEvents ?? []).includes(event))
    return null;

  const { title, body, deep_link, icon } = payload.notification;
  // "Same body in both modes"; what was not given when the notification was sent is left out.
  const content = {
    event,
    id: metadata.publishId.replace(/^pubid-/, ''),
    // "Never [left out]; `null` when unknown."
    userId: state?.deviceId?.replace(/^web-/, '') ?? null,
    heading: title,
    content: body,
    url: deep_link,
    icon,
    data: Object.keys(payload.data).length > 0 ? payload.data : undefined,
    action: kind === 'clicked' ? (action ?? '') : undefined,
  };
  const cors = instance.webhooks.cors;
  return {
    url,
    method: 'POST',
    mode: cors ? 'cors' : 'no-cors',
    // Without `cors` the browser adds its own `Content-Type: text/plain;charset=UTF-8`, and no preflight is needed.
    headers: cors ? { 'Content-Type': 'application/json', 'X-OneSignal-Event': event } : {},
    body: JSON.stringify(content),
    endsOnRefusal: false,
  };
}
