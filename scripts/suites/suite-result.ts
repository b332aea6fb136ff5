/** What a suite came to; a suite in which nothing ran has failed. */
export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why it failed, where no test's own output says so. */
  readonly problems: readonly string[];
}

export interface Suite {
  readonly name: string;
  run(): Promise<SuiteResult>;
}
