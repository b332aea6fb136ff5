/** Every benchmark, one after another; on Node 24 and 22 what depends on Node. `npm run bench`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const [node24, node22] = ['node', 'node22'].map((name) => join(root, 'node_modules', name, 'bin/node'));
const plan = [
  [node24, 'encrypt.ts'],
  [node22, 'encrypt.ts'],
  [node24, 'fan-out.ts'],
  [node22, 'fan-out.ts'],
  [node24, 'accepting.ts'],
  [node22, 'accepting.ts'],
  [node24, 'audience.ts'],
] as const;

let failed = false;
for (const [node = process.execPath, benchmark] of plan) {
  const startedAt = performance.now();
  const { status } = spawnSync(node, [join(import.meta.dirname, benchmark)], { stdio: 'inherit' });
  failed ||= status !== 0;
  console.log(`${benchmark} took ${Math.round((performance.now() - startedAt) / 1000)} s`);
}
process.exitCode = failed ? 1 : 0;
