import { flagOf } from './setting.ts';
import type { Setting } from './setting.ts';
import { serveFlagKeys, settingTable } from './settings.ts';
import type { SettingKey } from './settings.ts';

const rows = Object.entries(settingTable) as [SettingKey, Setting<unknown>][];

/** Text of `docs/configuration.md`. */
export const configurationMarkdown = (): string =>
  `${[
    '# Configuration',
    '<!-- Generated from src/config/settings.ts by scripts/generate-config-docs.ts. -->',
    'Pharos needs no setting to start. Each one below can be given as an environment variable or, where one is named, as a flag of `pharos serve`; the flag wins. An empty variable counts as not set. Secrets are never given as values, only as names of files that hold them. All mistakes are reported together, unknown `PHAROS_` variables among them, and the server does not start.',
    ...rows.map(([key, row]) => section(key, row)),
  ].join('\n\n')}\n`;

function section(key: SettingKey, row: Setting<unknown>): string {
  const lines = [`## ${row.name}`, '', row.doc, ''];
  if ((serveFlagKeys as SettingKey[]).includes(key)) {
    lines.push(`- Flag: \`--${flagOf(row)}${row.placeholder === null ? '' : ` <${row.placeholder}>`}\``);
  }
  lines.push(`- Default: ${defaultOf(row)}`, `- Example: \`${row.name}=${row.example}\``);
  return lines.join('\n');
}

const defaultOf = ({ defaultText }: Setting<unknown>): string =>
  defaultText === null ? 'none' : /[ `]/.test(defaultText) ? defaultText : `\`${defaultText}\``;

/** Text of `.env.example`. */
export const envExample = (): string =>
  `${[
    '# Settings of Pharos; docs/configuration.md explains them. None is needed.\n# Generated from src/config/settings.ts by scripts/generate-config-docs.ts.',
    ...rows.map(([, row]) =>
      [...wrap(row.doc, 110).map((line) => `# ${line}`), `#${row.name}=${row.example}`].join('\n'),
    ),
  ].join('\n\n')}\n`;

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
