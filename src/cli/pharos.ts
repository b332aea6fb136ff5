#!/usr/bin/env node
import { buildProgram } from './build-program.ts';
import { runProgram } from './run-program.ts';

await runProgram(buildProgram(), process.argv);
