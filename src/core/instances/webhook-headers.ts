import type { Webhook } from './instance.ts';
import { invalid } from './invalid-field.ts';
import type { InvalidField } from './invalid-field.ts';

const maxHeaders = 20;
const maxNameLength = 100;
const maxValueLength = 1_000;

/** What belongs to the connection and the message (RFC 9110, sections 7 and 8), and what we set ourselves. */
const reservedNames: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-onesignal-event',
]);
const reservedPrefixes = ['webhook-', 'proxy-'];

/** Headers that the operator adds to each request. A line break in one would begin another (RFC 9112, section 11.1). */
export function checkWebhookHeaders({ url, headers }: Pick<Webhook, 'url' | 'headers'>): InvalidField | null {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  if (names.length > maxHeaders || new Set(names).size < names.length) {
    return invalid('headers', `at most ${maxHeaders}, each name once`);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name)) {
      return invalid('headers', `names of 1 to ${maxNameLength} letters, digits and ! # $ % & ' * + - . ^ _ \` | ~`);
    }
    if (isReserved(name.toLowerCase())) return invalid(`headers.${name}`, 'left out: requests have their own');
    if (!isFieldValue(value)) {
      const expected = `1 to ${maxValueLength} printable ASCII characters, no blank first or last`;
      return invalid(`headers.${name}`, expected);
    }
  }
  const { username, password } = new URL(url);
  return names.includes('authorization') && (username || password)
    ? invalid('headers', 'without `authorization`: the URL has credentials')
    : null;
}

const isReserved = (name: string): boolean =>
  reservedNames.has(name) || reservedPrefixes.some((prefix) => name.startsWith(prefix));

/** RFC 9110, section 5.6.2. */
const isToken = (name: string): boolean => name.length <= maxNameLength && /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(name);

const isFieldValue = (value: string): boolean =>
  value.length <= maxValueLength && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value);
