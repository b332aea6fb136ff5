/** Every benchmark, one after another; on Node 24 and 22 what depends on Node. All results once more at the end. `npm run bench`. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Results } from './print-results.ts';

const nodes = { 24: 'node', 22: 'node22' } as const;
const plan = [
  [24, 'encrypt.ts'],
  [22, 'encrypt.ts'],
  [24, 'fan-out.ts'],
  [22, 'fan-out.ts'],
  [24, 'accepting.ts'],
  [22, 'accepting.ts'],
  [24, 'gateways.ts'],
  [24, 'audience.ts'],
  [24, 'webhooks.ts'],
  [24, 'storage.ts'],
  [24, 'storage-costs.ts'],
] as const;

const table: Record<string, string | number>[] = [];
for (const [node, benchmark] of plan) {
  const startedAt = performance.now();
  console.log(`\n── ${benchmark}, Node ${node}`);
  const execPath = join(import.meta.dirname, '../node_modules', nodes[node], 'bin/node');
  const child = fork(join(import.meta.dirname, benchmark), { execPath });
  child.on('message', ({ results }: Results) => {
    for (const { what, against, ratio, goal } of results) table.push({ Node: node, what, against, ratio, goal });
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) {
    table.push({ Node: node, what: benchmark, against: '', ratio: 'FAILED', goal: '' });
    process.exitCode = 1;
  }
  console.log(`${benchmark} took ${Math.round((performance.now() - startedAt) / 1000)} s`);
}
console.log('\nEverything that was measured');
console.table(table);
