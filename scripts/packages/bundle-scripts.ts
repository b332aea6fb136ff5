import { createHash } from 'node:crypto';
import type { BuildOptions } from 'esbuild';
import { build } from 'esbuild';
import { inRepository } from './in-repository.ts';

/** What sites load; each is whole in one file and needs nothing else. */
export interface SiteScripts {
  /** Classic scripts, for script elements and `importScripts`. */
  readonly 'page.js': Uint8Array;
  readonly 'worker.js': Uint8Array;
  /** An ES module, for bundlers. */
  readonly 'module.js': Uint8Array;
}

export async function bundleScripts(): Promise<SiteScripts> {
  // A page knows by this that its worker is of another release. It cannot be a digest of the file that holds it.
  const unversioned = await bundle(worker, { ...classic, define: versioned('') });
  const define = versioned(createHash('sha256').update(unversioned).digest('hex').slice(0, 12));
  return {
    'page.js': await bundle('src/sdk/page.ts', { ...classic, define }),
    'worker.js': await bundle(worker, { ...classic, define }),
    // Bundled into the site's own script, it must not take the site's origin for the server's.
    'module.js': await bundle('src/sdk/module.ts', {
      format: 'esm',
      define: { ...define, 'document.currentScript': 'null' },
    }),
  };
}

const worker = 'src/service-worker/worker.ts';
const classic = { format: 'iife' } as const;
const versioned = (version: string) => ({ PHAROS_SCRIPT_VERSION: JSON.stringify(version) });

async function bundle(entry: string, options: BuildOptions): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [inRepository(entry)],
    bundle: true,
    minify: true,
    target: 'es2020',
    write: false,
    ...options,
  });
  const [file] = outputFiles ?? [];
  if (!file) throw new Error(`${entry} was not bundled`);
  return file.contents;
}
