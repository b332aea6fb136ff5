/** What can go wrong, each with its status; the body is `{"error": {"code", "message"}}`. */
const statuses = {
  'invalid-request': 400,
  unauthorized: 401,
  'unknown-route': 404,
  'unknown-instance': 404,
  'unknown-webhook': 404,
  'unknown-publish': 404,
  'unknown-message': 404,
  'unknown-credentials': 404,
  'unknown-replay': 404,
  'not-to-be-resent': 409,
  'replay-ended': 409,
  'webhook-disabled': 409,
  'push-origin-not-braked': 409,
  'instance-exists': 409,
  'rotation-under-way': 409,
  'not-here': 409,
  'credentials-refused': 422,
  'credentials-unchecked': 502,
  'body-too-large': 413,
  'unsupported-content-type': 415,
  'internal-error': 500,
  unavailable: 503,
} as const;

export type AdminFailureCode = keyof typeof statuses;

/** Thrown by handlers; the routes' error handler answers it. */
export class AdminFailure extends Error {
  override readonly name = 'AdminFailure';
  readonly code: AdminFailureCode;

  constructor(code: AdminFailureCode, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return statuses[this.code];
  }

  get body(): { readonly error: { readonly code: AdminFailureCode; readonly message: string } } {
    return { error: { code: this.code, message: this.message } };
  }
}

export const unknownInstance = (id: string): AdminFailure =>
  new AdminFailure('unknown-instance', `There is no instance ${id}.`);

export const unknownWebhook = (id: string): AdminFailure =>
  new AdminFailure('unknown-webhook', `The instance has no webhook ${id}.`);

export const unknownMessage = (id: string): AdminFailure =>
  new AdminFailure('unknown-message', `The instance has no message ${id}.`);

export const unknownReplay = (id: string): AdminFailure =>
  new AdminFailure('unknown-replay', `The instance has no replay ${id}.`);

export const invalidField = (field: string, expected: string): AdminFailure =>
  new AdminFailure('invalid-request', `\`${field}\`: must be ${expected}.`);
