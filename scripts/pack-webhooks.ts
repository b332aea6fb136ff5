/** Writes the npm package for receivers of webhooks, `pharos-webhooks-<version>.tgz`, into `dist/` or the given folder. */
import { build } from 'esbuild';
import { emitDeclarations } from './packages/emit-declarations.ts';
import { inRepository } from './packages/in-repository.ts';
import { packPackage } from './packages/pack-package.ts';

const entry = 'src/webhooks/module.ts';
// Readable: who verifies signatures with it may want to know how.
const { outputFiles } = await build({
  entryPoints: [inRepository(entry)],
  ...{ bundle: true, format: 'esm', target: 'es2022', platform: 'neutral', external: ['node:crypto'], write: false },
});
const types = Object.entries(emitDeclarations(entry, 'tsconfig.json'));
const files = {
  'module.js': outputFiles[0]?.contents ?? '',
  ...Object.fromEntries(types.map(([path, content]) => [`types/${path}`, content])),
};
console.log(packPackage({ folder: 'webhooks', files }, process.argv[2] ?? inRepository('dist')));
