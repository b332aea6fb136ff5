import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { buildProgram } from './build-program.ts';
import { completionScript, shells } from './completion-script.ts';

function completeInBash(...words: string[]): string[] {
  const script = `${completionScript(buildProgram(), 'bash')}
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pharos; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script, 'bash', 'pharos', ...words], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

it('completes commands, their commands and their options', () => {
  expect(completeInBash('inst')).toEqual(['instance']);
  expect(completeInBash('instance', 'cr')).toEqual(['create']);
  expect(completeInBash('instance', 'create', 'name', '--se')).toEqual(['--secret-key-file']);
  expect(completeInBash('serve', '--retention')).toEqual(['--retention-days']);
  expect(completeInBash('completion', '')).toContain('--help');
});

it('knows every command in every shell', () => {
  for (const shell of shells) {
    const script = completionScript(buildProgram(), shell);
    for (const command of ["' instance rotate-key'", "' master-key rotate'", "' webhook create'", "' serve'"]) {
      expect(script).toContain(command);
    }
  }
});
