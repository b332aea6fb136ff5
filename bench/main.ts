/** Every benchmark, on Node 24 and 22, one after another. `npm run bench`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const nodes = ['node', 'node22'].map((name) => join(root, 'node_modules', name, 'bin/node'));
const benchmarks = ['encrypt.ts', 'fan-out.ts'];

let failed = false;
for (const node of nodes) {
  for (const benchmark of benchmarks) {
    const { status } = spawnSync(node, [join(import.meta.dirname, benchmark)], { stdio: 'inherit' });
    failed ||= status !== 0;
  }
}
process.exitCode = failed ? 1 : 0;
