/** Runs after every install. Without development dependencies there is no bundler: `dist/` is then brought from elsewhere. */
import { existsSync } from 'node:fs';
import { inRepository } from './packages/in-repository.ts';

if (existsSync(inRepository('node_modules/esbuild'))) await import('./build-scripts.ts');
else if (!existsSync(inRepository('dist/worker.js')))
  console.log('Pharos: the scripts for sites were not built, for want of esbuild: copy dist/ from a checkout with it.');
