import type { Command } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A command's place (` instance create`; empty for `pharos` itself) and the words that may follow it. */
interface Place {
  readonly place: string;
  readonly words: readonly string[];
}

/** A script for the shell that completes the commands and options of the program, and files elsewhere. */
export function completionScript(program: Command, shell: Shell): string {
  const places = listPlaces(program, '');
  const commands = places.flatMap(({ place }) => (place === '' ? [] : [place]));
  return scripts[shell](places, commands);
}

function listPlaces(command: Command, place: string): Place[] {
  const children = command.commands.filter((child) => child.name() !== 'help');
  const options = command.options.flatMap((option) => option.long ?? []);
  const words = [...children.map((child) => child.name()), ...options, '--help'];
  return [{ place, words }, ...children.flatMap((child) => listPlaces(child, `${place} ${child.name()}`))];
}

const quote = (text: string): string => `'${text}'`;

const scripts: Readonly<Record<Shell, (places: readonly Place[], commands: readonly string[]) => string>> = {
  bash: (places, commands) => `_pharos() {
  local place="" word candidates="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="$place \${COMP_WORDS[index]}"
    case "$word" in
      ${commands.map(quote).join(' | ')}) place="$word" ;;
    esac
  done
  case "$place" in
${places.map(({ place, words }) => `    ${quote(place)}) candidates=${quote(words.join(' '))} ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _pharos pharos
`,
  zsh: (places, commands) => `#compdef pharos
_pharos() {
  local place="" word candidates=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place $word" in
      ${commands.map(quote).join(' | ')}) place="$place $word" ;;
    esac
  done
  case "$place" in
${places.map(({ place, words }) => `    ${quote(place)}) candidates=${quote(words.join(' '))} ;;`).join('\n')}
  esac
  compadd -- \${=candidates} || _files
}
# A file in fpath is run when it is first asked for completions, and in its own name.
if [[ "\${funcstack[1]}" = _pharos ]]; then _pharos "$@"; else compdef _pharos pharos; fi
`,
  fish: (places, commands) => `function __pharos_words
  set -l place ""
  for word in (commandline -opc)
    switch "$place $word"
      case ${commands.map(quote).join(' ')}
        set place "$place $word"
    end
  end
  switch "$place"
${places.map(({ place, words }) => `    case ${quote(place)}\n      printf '%s\\n' ${words.join(' ')}`).join('\n')}
  end
end
complete -c pharos -a '(__pharos_words)'
`,
};
