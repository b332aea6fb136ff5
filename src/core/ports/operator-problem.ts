/** Somebody who runs the server can mend it: the message names the file or setting, and says how. Its stack helps nobody. */
export class OperatorProblem extends Error {
  override readonly name: string = 'OperatorProblem';
  /** The value of a setting is wrong, whatever the state of the machine. */
  readonly isWrongSetting: boolean;

  constructor(message: string, { isWrongSetting = false, cause }: { isWrongSetting?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.isWrongSetting = isWrongSetting;
  }
}
