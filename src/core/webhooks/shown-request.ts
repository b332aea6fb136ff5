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
    if (lower === timestampHeader) return [lower, '(seconds at the attempt)'];
    return [lower, openHeaders.has(lower) ? value : '***'];
  });
  return { url: url.href, headers: Object.fromEntries(shown), body };
}

/**
 * What tells whether a request that is built again is the one that was sent: it depends on the webhook, which may have been
 * changed, and on names, which may have been erased. Of what is shown, so that no secret is in it. 16 bytes.
 */
export function hashRequest(request: WebhookRequest): Uint8Array {
  const { url, headers, body } = showRequest(request);
  const sorted = Object.entries(headers).sort(([one], [other]) => (one < other ? -1 : 1));
  return hash('sha256', JSON.stringify([url, sorted, body]), 'buffer').subarray(0, 16);
}
