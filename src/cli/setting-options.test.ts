import { Command } from 'commander';
import { expect, it } from 'vitest';
import { settingTable } from '../config/settings.ts';
import type { SettingKey } from '../config/settings.ts';
import { settingOptions } from './setting-options.ts';

const keys = Object.keys(settingTable) as SettingKey[];

const parse = (...args: string[]) => {
  const command = new Command().exitOverride();
  for (const option of settingOptions(keys)) command.addOption(option);
  return command.parse(args, { from: 'user' }).opts();
};

it('gives each setting a flag whose value is found under its key', () => {
  expect(settingOptions(keys).map((option) => option.attributeName())).toEqual(keys);
  expect(parse('--data-dir', 'x', '--tls-port', '1')).toEqual({ dataDir: 'x', tlsPort: '1' });
});

it('lets a switch stand without a value', () => {
  expect(parse('--allow-http-webhooks', '--port', '1')).toEqual({ allowHttpWebhooks: 'true', port: '1' });
  expect(parse('--allow-http-webhooks', 'false')).toEqual({ allowHttpWebhooks: 'false' });
  expect(parse()).toEqual({});
});
