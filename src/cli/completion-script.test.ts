import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ensurePackages } from '../../test/support/ensure-packages.ts';
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

it('completes in zsh from the first time on, as a file in fpath', () => {
  ensurePackages('The tests of completion', { zsh: () => spawnSync('zsh', ['--version']).status === 0 });
  const folder = mkdtempSync(join(tmpdir(), 'pharos-completion-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, '_pharos'), completionScript(buildProgram(), 'zsh'));
  const script = `fpath=($1); autoload -Uz _pharos; words=(pharos instance ''); CURRENT=3
    compadd() { print -r -- "$@" }
    _pharos; _pharos`;
  const candidates = execFileSync('zsh', ['-f', '-c', script, 'zsh', folder], { encoding: 'utf8' }).trim().split('\n');
  expect(candidates).toEqual(Array(2).fill(expect.stringContaining(' rotate-key retire-key ')));
}, 300_000);

it('knows every command in every shell', () => {
  for (const shell of shells) {
    const script = completionScript(buildProgram(), shell);
    for (const command of ["' instance rotate-key'", "' master-key rotate'", "' webhook create'", "' serve'"]) {
      expect(script).toContain(command);
    }
  }
});
