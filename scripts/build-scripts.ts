/** Bundles the scripts that sites load into `dist/`: `page.js` and `worker.js`, which the server serves below `/pharos/`. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { bundleScripts } from './packages/bundle-scripts.ts';
import { inRepository } from './packages/in-repository.ts';

const scripts = await bundleScripts();
mkdirSync(inRepository('dist'), { recursive: true });
for (const name of ['page.js', 'worker.js'] as const) {
  const path = inRepository(`dist/${name}`);
  // A server that starts meanwhile reads the one or the other, never half a script.
  writeFileSync(`${path}.${process.pid}`, scripts[name]);
  renameSync(`${path}.${process.pid}`, path);
}
