/** Why nothing came back. The words name hosts and system errors, never URLs. */
export interface EgressFailure {
  readonly kind: 'error';
  readonly reason: 'refused' | 'timeout' | 'connection';
  readonly message: string;
  /** IP address that was connected to, or that the last try to connect was made to; null when there was no try. */
  readonly address: string | null;
}

export const egressFailure = (
  reason: EgressFailure['reason'],
  message: string,
  address: string | null = null,
): EgressFailure => ({ kind: 'error', reason, message, address });

/** Carries a failure through an interface that wants an `Error`. */
export class EgressError extends Error {
  override readonly name = 'EgressError';
  readonly failure: EgressFailure;

  constructor(failure: EgressFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** What errors of TLS itself have; their message has addresses in memory and lines of its source. */
interface OpenSslError {
  readonly library?: string;
  readonly reason?: string;
}

export function connectionFailure(error: unknown, doing: string, address: string | null = null): EgressFailure {
  if (error instanceof EgressError) return error.failure;
  const { code, message: text, library, reason } = error as NodeJS.ErrnoException & OpenSslError;
  const message = library === undefined || reason === undefined ? text : reason;
  const words = code && !message.includes(code) ? `${message} (${code})` : message;
  return egressFailure('connection', `${doing}: ${words}`, address);
}
