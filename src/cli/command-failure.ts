/** Ends a command with its message on standard error. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  /** 1: it did not work. 2: it was called wrongly, or with wrong settings. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
