/** A value that was given and cannot be taken. */
export interface InvalidField {
  readonly kind: 'invalid';
  /** Its name in the input. */
  readonly field: string;
  /** Fits after "must be". */
  readonly expected: string;
}

export const invalid = (field: string, expected: string): InvalidField => ({ kind: 'invalid', field, expected });

/** The first of the checks that is not null. */
export const firstInvalid = (checks: readonly (InvalidField | null)[]): InvalidField | null =>
  checks.find((check) => check !== null) ?? null;
