import type { CheckingKey, Signature } from './check-signature.ts';
import { isSignedBy, parseSignatures, readSecret } from './check-signature.ts';
import { parse } from './parse.ts';
import { WebhookError } from './webhook-error.ts';
import type { WebhookEvent } from './webhook-event.ts';

/** Headers of any framework. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
  /** How far the time in a request signed as `standard` may be from ours; 300 without it. Beams' signature covers no time. */
  readonly toleranceSeconds?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A request whose signature is good. */
export interface VerifiedWebhook {
  /** `webhook-id`: the same when the request is repeated. Beams' signature does not cover it. */
  readonly id: string;
  /** When this attempt was made. Beams' signature does not cover it. */
  readonly sentAt: Date;
  /** One, or those of a batch. */
  readonly events: readonly WebhookEvent[];
}

/**
 * Believes a request that one of the secrets has signed: the webhook's secret, the one before while both are in use, its
 * public key. `rawBody` are the bytes as they came. Throws a `WebhookError` for others, a `TypeError` for unusable secrets.
 */
export async function verify(
  rawBody: string | Uint8Array,
  headers: WebhookHeaders,
  secrets: string | readonly string[],
  { toleranceSeconds = 300, now = Date.now }: VerifyOptions = {},
): Promise<VerifiedWebhook> {
  const keys = (typeof secrets === 'string' ? [secrets] : secrets).flatMap(readSecret);
  if (keys.length === 0) throw new TypeError('there is no webhook secret');
  const id = readHeader(headers, 'webhook-id');
  const timestamp = readHeader(headers, 'webhook-timestamp');
  const signatures = parseSignatures(readHeader(headers, 'webhook-signature'));
  if (signatures.length === 0) throw new WebhookError('malformed-header', 'webhook-signature has no known signature');
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookError('malformed-header', 'webhook-timestamp is no number');

  const body = typeof rawBody === 'string' ? new TextEncoder().encode(rawBody) : rawBody;
  const signed = { beams: Uint8Array.from(body), standard: concatenate(`${id}.${timestamp}.`, body) };
  if (!(await isSigned(keys, signatures, signed))) {
    throw new WebhookError('wrong-signature', 'no secret has signed these bytes: another secret, or another body');
  }
  // After the signature: nobody else learns what the clock says.
  const ageSeconds = now() / 1_000 - Number(timestamp);
  if (signatures.every(({ scheme }) => scheme !== 'beams')) checkAge(ageSeconds, toleranceSeconds);
  return { id, sentAt: new Date(Number(timestamp) * 1_000), events: parse(body) };
}

/** All are tried, so that the time tells nothing about which one fits. */
async function isSigned(
  keys: readonly CheckingKey[],
  signatures: readonly Signature[],
  signed: { readonly beams: Uint8Array<ArrayBuffer>; readonly standard: Uint8Array<ArrayBuffer> },
): Promise<boolean> {
  const checks = keys.flatMap((key) =>
    signatures.map((signature) => isSignedBy(key, signature, key.scheme === 'beams' ? signed.beams : signed.standard)),
  );
  return (await Promise.all(checks)).includes(true);
}

function checkAge(ageSeconds: number, toleranceSeconds: number): void {
  if (ageSeconds > toleranceSeconds) throw new WebhookError('too-old', `sent ${Math.round(ageSeconds)} seconds ago`);
  if (ageSeconds < -toleranceSeconds) {
    throw new WebhookError('too-new', `sent ${Math.round(-ageSeconds)} seconds ahead of this clock`);
  }
}

function readHeader(headers: WebhookHeaders, name: string): string {
  const value = isHeaders(headers)
    ? headers.get(name)
    : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  if (typeof value === 'string' && value !== '') return value;
  if (Array.isArray(value)) throw new WebhookError('malformed-header', `${name} is there more than once`);
  throw new WebhookError('missing-header', `${name} is missing`);
}

const isHeaders = (headers: WebhookHeaders): headers is { get(name: string): string | null } =>
  typeof headers['get'] === 'function';

function concatenate(start: string, end: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(start);
  const whole = new Uint8Array(bytes.length + end.length);
  whole.set(bytes);
  whole.set(end, bytes.length);
  return whole;
}
