import type { DeliveryOutcome } from '../../core/ports/gateway.ts';
import type { PushResponse } from '../../core/ports/push-connections.ts';

/** The one table from a push service's answer to an outcome (RFC 8030, section 5; the services' documentation). */
export function outcomeOf(origin: string, response: PushResponse): DeliveryOutcome {
  if (response.kind === 'error') {
    const reason = `${origin}: ${response.message}`;
    return response.reason === 'refused'
      ? { kind: 'rejected', reason }
      : { kind: 'failed', reason, retryAfterMs: null };
  }
  const { status, retryAfterMs } = response;
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  const words = firstWords(response.text);
  const reason = words ? `${origin} answered ${status}: ${words}` : `${origin} answered ${status}`;
  if (status === 404 || status === 410) return { kind: 'gone', reason };
  if (status === 429 || (status === 406 && isWindows(origin))) return { kind: 'throttled', reason, retryAfterMs };
  if (status >= 500) return { kind: 'failed', reason, retryAfterMs };
  // Redirects too: tokens and endpoints belong to one origin.
  return { kind: 'rejected', reason };
}

/**
 * "406 Not Acceptable: The cloud service exceeded its throttle limit." (learn.microsoft.com, Troubleshooting push
 * notifications, WNS HTTP response codes)
 */
const isWindows = (origin: string): boolean => new URL(origin).hostname.endsWith('.notify.windows.com');

/** Of a body that may be a page of HTML. */
const firstWords = (text: string): string =>
  text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 200);
