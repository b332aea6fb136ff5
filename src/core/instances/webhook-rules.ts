import { eventTypes, isClassicEventType } from '../../protocol/event-types.ts';
import type { EventType } from '../../protocol/event-types.ts';
import type { Webhook } from './instance.ts';
import { firstInvalid, invalid } from './invalid-field.ts';
import type { InvalidField } from './invalid-field.ts';
import { checkWebhookHeaders } from './webhook-headers.ts';
import { checkWebhookOptions } from './webhook-options.ts';
import { checkWebhookSecret } from './webhook-secret.ts';

const maxUrlLength = 2000;
const maxCustomDataBytes = 4096;

/** The host is judged when a request leaves: by then its address may be another. */
function checkWebhookUrl(text: string, allowHttp: boolean): InvalidField | null {
  const expected = `an absolute ${allowHttp ? 'http or https URL' : 'https URL (http needs PHAROS_ALLOW_HTTP_WEBHOOKS)'} without fragment, at most ${maxUrlLength} characters`;
  const protocols = allowHttp ? ['https:', 'http:'] : ['https:'];
  const fits = text.length <= maxUrlLength && URL.canParse(text) && !text.includes('#');
  return fits && protocols.includes(new URL(text).protocol) ? null : invalid('url', expected);
}

function checkEvents({ format, events }: Webhook): InvalidField | null {
  const known: readonly EventType[] = format === 'classic' ? eventTypes.filter(isClassicEventType) : eventTypes;
  return events.length > 0 && new Set(events).size === events.length && events.every((event) => known.includes(event))
    ? null
    : invalid('events', `a list, each at most once, of ${known.map((event) => `"${event}"`).join(', ')}`);
}

/** It is part of every request's body. */
function checkCustomData({ format, customData }: Webhook): InvalidField | null {
  if (format !== 'beams' && Object.keys(customData).length > 0) {
    return invalid('customData', `empty in the ${format} format, which has no place for it`);
  }
  return Buffer.byteLength(JSON.stringify(customData)) <= maxCustomDataBytes
    ? null
    : invalid('customData', `an object of at most ${maxCustomDataBytes} bytes as JSON`);
}

/** The first field that cannot be taken. */
export const checkWebhook = (webhook: Webhook, allowHttp: boolean): InvalidField | null =>
  checkWebhookUrl(webhook.url, allowHttp) ??
  firstInvalid([
    checkEvents(webhook),
    checkWebhookSecret(webhook.options.signing, webhook.secret),
    checkCustomData(webhook),
    checkWebhookOptions(webhook),
    checkWebhookHeaders(webhook),
  ]);
