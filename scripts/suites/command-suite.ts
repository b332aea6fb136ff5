import { runNode } from './run-node.ts';
import type { Suite } from './suite-result.ts';

/** Commands that pass or fail as a whole, each counted as one: name → arguments of Node 24. */
export function commandSuite(name: string, commands: Readonly<Record<string, readonly string[]>>): Suite {
  return {
    name,
    run: async () => {
      const failures: string[] = [];
      for (const [command, args] of Object.entries(commands)) {
        const { problem, lastLines } = await runNode(24, args, { label: command });
        if (problem !== null) failures.push(`${command}: ${problem}\n${lastLines}`);
      }
      const failed = failures.length;
      return { passed: Object.keys(commands).length - failed, failed, skipped: 0, failures, secondTries: [] };
    },
  };
}
