import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { nodeProblem } from './node-problem.ts';

test.each(['22.18.0', '22.23.3', '23.0.0', '24.1.0', '100.0.0'])('Node %s will do', (version) => {
  expect(nodeProblem(version, '/usr/bin/node')).toBeNull();
});

test.each(['18.20.4', '20.20.2', '22.17.9'])(
  'Node %s is too old: says which one is needed, and which one this is',
  (version) => {
    const [, least = ''] = /^>=(.+)$/.exec(packageJson.engines.node) ?? [];
    const problem = nodeProblem(version, '/usr/bin/node');
    for (const words of [`Node ${least}`, version, '/usr/bin/node']) expect(problem).toContain(words);
  },
);
