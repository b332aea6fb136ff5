/** One line of a benchmark's table. Whatever else it tells is only in its own table, not in the one at the end. */
export interface Result {
  readonly what: string;
  readonly against: string;
  readonly ratio: string;
  readonly goal: string;
  readonly [detail: string]: string | number;
}

/** What `main.ts` hears from the benchmarks that it runs. */
export interface Results {
  readonly results: readonly Result[];
}

export function printResults(title: string, results: readonly Result[]): void {
  console.log(`\n${title}`);
  console.table(results);
  process.send?.({ results } satisfies Results);
}
