#!/usr/bin/env node
import { nodeProblem } from './node-problem.ts';

const problem = nodeProblem(process.versions.node, process.execPath);
if (problem !== null) {
  process.stderr.write(`pharos: ${problem}\n`);
  process.exit(1);
}
// Only now: an older version would say that it lacks a module, and not why.
const { buildProgram } = await import('./build-program.ts');
const { runProgram } = await import('./run-program.ts');
await runProgram(buildProgram(), process.argv);
