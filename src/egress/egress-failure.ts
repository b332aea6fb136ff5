/** Why nothing came back. The words name hosts and system errors, never URLs. */
export interface EgressFailure {
  readonly kind: 'error';
  readonly reason: 'refused' | 'timeout' | 'connection';
  readonly message: string;
}

export const egressFailure = (reason: EgressFailure['reason'], message: string): EgressFailure => ({
  kind: 'error',
  reason,
  message,
});

/** Carries a failure through an interface that wants an `Error`. */
export class EgressError extends Error {
  override readonly name = 'EgressError';
  readonly failure: EgressFailure;

  constructor(failure: EgressFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

export function connectionFailure(error: unknown, doing: string): EgressFailure {
  if (error instanceof EgressError) return error.failure;
  const { code, message } = error as NodeJS.ErrnoException;
  return egressFailure('connection', `${doing}: ${code && !message.includes(code) ? `${message} (${code})` : message}`);
}
