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
export function hashRequest({ url, headers, body }: WebhookRequest): string {
  let lines = '';
  for (const { name, start, shown } of linesOf(headers)) lines += `${start}${shown ?? headers[name]}\n`;
  return hash('sha256', `${url.href}\n${lines}\n${body}`, 'hex').slice(0, 32);
}

interface HeaderLine {
  readonly name: string;
  /** `name:`, in lower case. */
  readonly start: string;
  /** Null: as it is. */
  readonly shown: string | null;
}

/** Of the requests of a webhook, all have the same headers: their names are put in order once. */
const maxKnown = 1_000;
const known = new Map<string, readonly HeaderLine[]>();

function linesOf(headers: WebhookRequest['headers']): readonly HeaderLine[] {
  let names = '';
  for (const name in headers) names += `${name}\n`;
  const lines = known.get(names) ?? orderedLines(Object.keys(headers));
  if (known.size < maxKnown) known.set(names, lines);
  return lines;
}

const orderedLines = (names: readonly string[]): readonly HeaderLine[] =>
  names
    .map((name) => {
      const lower = name.toLowerCase();
      return { name, start: `${lower}:`, shown: openHeaders.has(lower) ? null : shownValue(lower, '') };
    })
    .toSorted((one, other) => (one.start < other.start ? -1 : 1));
