/** Writes the npm package of the page and worker scripts, `pharos-web-<version>.tgz`, into `dist/` or the given folder. */
import { bundleScripts } from './packages/bundle-scripts.ts';
import { emitDeclarations } from './packages/emit-declarations.ts';
import { inRepository } from './packages/in-repository.ts';
import { packPackage } from './packages/pack-package.ts';

const declarations = Object.entries(emitDeclarations('src/sdk/module.ts', 'tsconfig.page.json'));
const types = Object.fromEntries(declarations.map(([path, content]) => [`types/${path}`, content]));
const files = { ...(await bundleScripts()), ...types };
console.log(packPackage({ folder: 'web', files }, process.argv[2] ?? inRepository('dist')));
