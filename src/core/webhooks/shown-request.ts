import { hash } from 'node:crypto';
import type { WebhookRequest } from './build-request.ts';

/** A request for the eyes of an operator. */
export interface ShownRequest {
  readonly url: string;
  /** Names in lower case; `***` stands for signatures and for what may be a credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Headers that we write ourselves and that are no secret. All others may be an operator's own, with credentials in them. */
const openHeaders = new Set([
  'content-type',
  'user-agent',
  'webhook-event-type',
  'webhook-id',
  'webhook-id-uuid',
  'webhook-request-id-uuid',
  'x-onesignal-event',
]);
const timestampHeader = 'webhook-timestamp';

export function showRequest({ url, headers, body }: WebhookRequest): ShownRequest {
  const shown = Object.entries(headers).map(([name, value]): [string, string] => {
    const lower = name.toLowerCase();
    return [lower, shownValue(lower, value)];
  });
  return { url: url.href, headers: Object.fromEntries(shown), body };
}

function shownValue(lowerName: string, value: string): string {
  if (lowerName === timestampHeader) return '(seconds at the attempt)';
  return openHeaders.has(lowerName) ? value : '***';
}

/**
 * What tells whether a request that is built again is the one that was sent: it depends on the webhook, which may have been
 * changed, and on names, which may have been erased. Of what is shown, so that no secret is in it. 16 bytes.
 */
export function hashRequest({ url, headers, body }: WebhookRequest): Uint8Array {
  const lines: string[] = [];
  for (const name in headers) {
    const lower = name.toLowerCase();
    lines.push(`${lower}:${shownValue(lower, headers[name] ?? '')}\n`);
  }
  const text = `${url.href}\n${lines.sort().join('')}\n${body}`;
  return hash('sha256', text, 'buffer').subarray(0, 16);
}
