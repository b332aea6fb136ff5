import { createHash } from 'node:crypto';
import type { WebContent } from '../../core/ports/gateway.ts';
import type { WebNotification } from '../../protocol/push-payload.ts';
import type { NotificationRequest } from './notification-schema.ts';

/** A push takes 3993 bytes (RFC 8291 within 4096), and what the worker needs to report takes 193 of them. */
const maxContentBytes = 3_800;
/** "`web_buttons` … (two are shown)" */
const shownButtons = 2;

/** What browsers are sent, or what is wrong with it. The language is English: browsers have not told theirs. */
export function readContent(request: NotificationRequest): WebContent | { readonly mistake: string } {
  const { contents, headings, data = {}, web_push_topic: topic } = request;
  const body = contents?.['en'];
  if (!body) return { mistake: 'contents must have an English text ("en")' };
  if (Object.hasOwn(data, 'pusher')) return { mistake: 'data must not have the key pusher' };
  const title = headings?.['en'];
  const icon = request.chrome_web_icon ?? request.firefox_icon;
  const url = request.web_url ?? request.url;
  const notification: WebNotification = {
    ...(title && { title }),
    body,
    ...(icon && { icon }),
    ...(url && { deep_link: url }),
    ...(request.chrome_web_image && { image: request.chrome_web_image }),
    ...(request.chrome_web_badge && { badge: request.chrome_web_badge }),
    ...(request.web_buttons?.length && { buttons: request.web_buttons.slice(0, shownButtons) }),
    ...(topic && { tag: topic }),
  };
  const bytes = Buffer.byteLength(JSON.stringify(notification)) + Buffer.byteLength(JSON.stringify(data));
  if (bytes > maxContentBytes) {
    return { mistake: `The notification is too large: ${bytes} bytes, browsers take ${maxContentBytes}` };
  }
  return {
    timeToLiveSeconds: request.ttl,
    notification,
    data,
    // "`priority` (10 = high)"
    ...(request.priority === 10 && { urgency: 'high' }),
    ...(topic && { topic: pushTopic(topic) }),
  };
}

/** RFC 8030, section 5.4: a topic is at most 32 characters of URL-safe base64. */
const pushTopic = (topic: string): string => createHash('sha256').update(topic).digest('base64url').slice(0, 32);
