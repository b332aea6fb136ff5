/** Bundles the worker script into `dist/worker.js`, which the server serves as `/pharos/worker.js`. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const inRepository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

await build({
  entryPoints: [inRepository('src/service-worker/worker.ts')],
  outfile: inRepository('dist/worker.js'),
  bundle: true,
  minify: true,
  // Sites load it with importScripts, which takes classic scripts only.
  format: 'iife',
  target: 'es2020',
});
