/** Bundles the scripts that sites load into `dist/`: `page.js` and `worker.js`, which the server serves below `/pharos/`. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const inRepository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

const bundle = (entry: string, version: string) => ({
  entryPoints: [inRepository(entry)],
  bundle: true,
  minify: true,
  // Sites load them with importScripts and script elements, which take classic scripts.
  format: 'iife' as const,
  target: 'es2020',
  define: { PHAROS_SCRIPT_VERSION: JSON.stringify(version) },
});

const worker = 'src/service-worker/worker.ts';
// A page knows by this that its worker is of another release. It cannot be a digest of the file that holds it.
const unversioned = await build({ ...bundle(worker, ''), write: false });
const version = createHash('sha256')
  .update(unversioned.outputFiles[0]?.contents ?? '')
  .digest('hex')
  .slice(0, 12);

await Promise.all([
  build({ ...bundle(worker, version), outfile: inRepository('dist/worker.js') }),
  build({ ...bundle('src/sdk/page.ts', version), outfile: inRepository('dist/page.js') }),
]);
