/** Writes the npm package of the server, `pharos-<version>.tgz`, into `dist/` or the given folder. */
import { inRepository } from './packages/in-repository.ts';
import { packPackage } from './packages/pack-package.ts';
import { serverPackage } from './packages/server-package.ts';

console.log(packPackage(await serverPackage(), process.argv[2] ?? inRepository('dist')));
