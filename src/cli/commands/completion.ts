import { Argument, Command } from 'commander';
import type { Shell } from '../completion-script.ts';
import { completionScript, shells } from '../completion-script.ts';

export const completion = (): Command => {
  const command = new Command('completion')
    .description('Print a script that completes commands and options in your shell.')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText(
      'after',
      `
Put it where the shell finds it:
  bash   pharos completion bash > ~/.local/share/bash-completion/completions/pharos
  zsh    pharos completion zsh > ~/.zfunc/_pharos      (with ~/.zfunc in fpath)
  fish   pharos completion fish > ~/.config/fish/completions/pharos.fish`,
    );
  return command.action((shell: Shell) => {
    process.stdout.write(completionScript(command.parent ?? command, shell));
  });
};
