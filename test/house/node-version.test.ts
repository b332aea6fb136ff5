import { expect, test } from 'vitest';

/** scripts/test.ts reads this title in the report: it is how a run proves which Node it ran on. */
test(`runs on Node ${process.version}`, () => {
  expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(22);
});
