import { nearestWord } from './nearest-word.ts';
import { flagOf } from './setting.ts';
import type { Setting } from './setting.ts';
import { settingTable } from './settings.ts';
import type { SettingKey, SettingValues } from './settings.ts';

/** Where settings come from; a flag wins over the variable. */
export interface SettingSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By the table's keys. */
  readonly flags: Partial<Record<SettingKey, string>>;
}

export type Result<Value> =
  | { readonly ok: true; readonly value: Value }
  /** All of them, a sentence each. */
  | { readonly ok: false; readonly mistakes: readonly string[] };

/**
 * Reads the given rows of the table. An empty variable counts as not set, as in Compose files. Unknown `PHAROS_…`
 * variables are mistakes too: a misspelt one would otherwise be ignored in silence.
 */
export function readSettings<Key extends SettingKey>(
  sources: SettingSources,
  keys: readonly Key[],
): Result<SettingValues<Key>> {
  const mistakes = unknownVariables(sources.env);
  const values: Partial<Record<Key, unknown>> = {};
  for (const key of keys) {
    const row: Setting<unknown> = settingTable[key];
    const text = givenText(sources, key);
    const parsed = text === null ? { ok: true as const, value: row.defaultValue() } : row.parse(text);
    if (parsed.ok) values[key] = parsed.value;
    else {
      const name = sources.flags[key] === undefined ? row.name : `--${flagOf(row)}`;
      const given = row.secret ? '' : ` is \`${text}\`, but`;
      mistakes.push(`${name}${given} should be ${parsed.expected}.`);
    }
  }
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, value: values as SettingValues<Key> };
}

/** Text of a setting, null when it is not set. */
export const givenText = (sources: SettingSources, key: SettingKey): string | null =>
  sources.flags[key] ?? (sources.env[settingTable[key].name] || null);

function unknownVariables(env: SettingSources['env']): string[] {
  const known = Object.values(settingTable).map(({ name }): string => name);
  return Object.keys(env)
    .filter((name) => name.startsWith('PHAROS_') && !known.includes(name))
    .toSorted()
    .map((name) => {
      const nearest = nearestWord(name, known);
      return `${name} is not a setting.${nearest ? ` Did you mean ${nearest}?` : ''}`;
    });
}
