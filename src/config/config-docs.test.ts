import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configurationMarkdown, envExample } from './config-docs.ts';
import { readServerSettings } from './server-settings.ts';
import { settingTable } from './settings.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('generated documentation (mend with: node scripts/generate-config-docs.ts)', () => {
  it('docs/configuration.md is up to date', () => {
    expect(read('docs/configuration.md')).toBe(configurationMarkdown());
  });

  it('.env.example is up to date', () => {
    expect(read('.env.example')).toBe(envExample());
  });

  it('every example is accepted', () => {
    const env = Object.fromEntries(Object.values(settingTable).map(({ name, example }) => [name, example]));
    expect(readServerSettings({}, env)).toMatchObject({ ok: true });
  });
});
