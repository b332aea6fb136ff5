/** Why a request is not believed; each with the status that answers it. */
export const reasonStatuses = {
  /** Of the signature, the id or the time. */
  'missing-header': 400,
  /** A time that is no number, or a signature of no version that is known here. */
  'malformed-header': 400,
  /** No secret made any of the signatures: a wrong secret, or bytes that have changed on the way. */
  'wrong-signature': 401,
  /** Signed, but longer ago than the tolerance: an old request sent again, or a clock that is wrong. */
  'too-old': 401,
  /** Signed further ahead than the tolerance: one of the clocks is wrong. */
  'too-new': 401,
  /** Not JSON, or nothing that Pharos sends. */
  'malformed-body': 400,
  'body-too-large': 413,
  /** Somebody has read the request before: signatures are of bytes, and a parsed body has lost them. */
  'body-already-read': 500,
  /** The connection ended before the body did. */
  'body-incomplete': 400,
} as const;

export type WebhookErrorReason = keyof typeof reasonStatuses;

/** A request that is not a webhook of ours. Anything else that is thrown is a mistake of the program. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
  readonly reason: WebhookErrorReason;
  /** Fits as the status of the answer. */
  readonly status: number;

  constructor(reason: WebhookErrorReason, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.reason = reason;
    this.status = reasonStatuses[reason];
  }
}
