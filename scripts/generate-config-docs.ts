// Writes docs/configuration.md and .env.example from the table of settings.
import { writeFileSync } from 'node:fs';
import { configurationMarkdown, envExample } from '../src/config/config-docs.ts';

const root = new URL('../', import.meta.url);
writeFileSync(new URL('docs/configuration.md', root), configurationMarkdown());
writeFileSync(new URL('.env.example', root), envExample());
