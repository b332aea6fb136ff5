import { relative } from 'node:path';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** Files that take longer than half a minute alone, on one storage at least. Begun last, each would run on when all others are done. */
const longest = [
  'test/faults/cluster.test.ts',
  'test/faults/random-kills.test.ts',
  'test/faults/crash-points.test.ts',
  'test/faults/webhooks.test.ts',
  'test/faults/phones.test.ts',
  'test/faults/replay-kills.test.ts',
  'test/process/lifecycle.test.ts',
  'test/faults/upgrade.test.ts',
  'src/storage/postgres/postgres.test.ts',
  'src/storage/sqlite/sqlite.test.ts',
];

/** The order of vitest's own, but for those. On a fresh clone that is by size, since it has seen no times yet. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const index = longest.indexOf(relative(this.ctx.config.root, moduleId));
      return index === -1 ? longest.length : index;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}
