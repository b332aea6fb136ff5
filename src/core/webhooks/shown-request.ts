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
 * changed, and on names, which may have been erased. Of what is shown, so that no secret is in it. 32 hex digits.
 */
export function hashRequest({ url, headers, fixedHeaders, body }: WebhookRequest): string {
  const { pieces, rest } = shownHeaders(headers, fixedHeaders);
  let text = `${url.href}\n`;
  for (const { before, name } of pieces) text += before + (headers[name] ?? '');
  return hash('sha256', `${text}${rest}\n${body}`, 'hex').slice(0, 32);
}

/** All that is shown of the headers, but for what each request has for itself. */
interface ShownHeaders {
  readonly pieces: readonly { readonly before: string; readonly name: string }[];
  /** After the last of them. */
  readonly rest: string;
}

const known = new WeakMap<WebhookRequest['fixedHeaders'], ShownHeaders>();

function shownHeaders(headers: WebhookRequest['headers'], fixed: WebhookRequest['fixedHeaders']): ShownHeaders {
  const shown = known.get(fixed) ?? arrange(headers, fixed);
  known.set(fixed, shown);
  return shown;
}

/** `name:value` of each, in the order of their names. */
function arrange(headers: WebhookRequest['headers'], fixed: WebhookRequest['fixedHeaders']): ShownHeaders {
  const pieces: { before: string; name: string }[] = [];
  const lines = Object.keys(headers).map((name) => ({ name, start: `${name.toLowerCase()}:` }));
  let before = '';
  for (const { name, start } of lines.toSorted((one, other) => (one.start < other.start ? -1 : 1))) {
    before += start;
    const lower = start.slice(0, -1);
    if (openHeaders.has(lower) && headers[name] !== fixed[name]) {
      pieces.push({ before, name });
      before = '\n';
    } else before += `${shownValue(lower, headers[name] ?? '')}\n`;
  }
  return { pieces, rest: before };
}
