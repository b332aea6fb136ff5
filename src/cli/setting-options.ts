import { Option } from 'commander';
import { flagOf } from '../config/setting.ts';
import type { Setting } from '../config/setting.ts';
import { settingTable } from '../config/settings.ts';
import type { SettingKey } from '../config/settings.ts';

/** An option for each setting, its value under the setting's key; descriptions are those of the table. */
export const settingOptions = (keys: readonly SettingKey[]): Option[] =>
  keys.map((key) => {
    const setting: Setting<unknown> = settingTable[key];
    const value = setting.placeholder === null ? ' [true|false]' : ` <${setting.placeholder}>`;
    const fallback = setting.defaultText === null ? '' : `; default: ${setting.defaultText}`;
    const text = `${setting.doc} (${setting.name}${fallback})`.replaceAll('`', '');
    const option = new Option(`--${flagOf(setting)}${value}`, text);
    return setting.placeholder === null ? option.preset('true') : option;
  });
