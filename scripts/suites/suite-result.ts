/** What a suite came to; a suite in which nothing ran has failed. */
export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed and with which error, some lines each. */
  readonly failures: readonly string[];
  /** Names of tests that failed once and then passed, where a second try is allowed. */
  readonly secondTries: readonly string[];
}

export interface Suite {
  readonly name: string;
  run(): Promise<SuiteResult>;
}
