import { globSync } from 'node:fs';
import { join, relative } from 'node:path/posix';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';
import { inRepository } from './in-repository.ts';

/** The command, and what is started by its URL. */
const entries = ['cli/pharos.ts', ...globSync('**/*-{thread,worker}.ts', { cwd: inRepository('src') })];
const source = inRepository('src');
const target = inRepository('lib');

/**
 * The server in JavaScript, since Node does not run TypeScript below `node_modules`: `cli/pharos.js` and all that it needs of
 * `src` → content. A file stays a file, because they name their neighbours by `import.meta.url`.
 */
export async function compileServer(): Promise<Record<string, Uint8Array>> {
  const compiled: Record<string, Uint8Array> = {};
  let imported = new Set(entries.map((path) => join(source, path)));
  const known = new Set<string>();
  while (imported.size > 0) {
    const entryPoints = [...imported];
    for (const path of entryPoints) known.add(path);
    imported = new Set();
    for (const { path, contents } of await compile(entryPoints, imported)) compiled[relative(target, path)] = contents;
    imported = new Set([...imported].filter((path) => !known.has(path)));
  }
  return compiled;
}

/** Adds the sources that they import to `imported`. */
async function compile(entryPoints: string[], imported: Set<string>) {
  const leaveImports: Plugin = {
    name: 'leave-imports',
    setup: (compilation) =>
      compilation.onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        if (path.endsWith('.ts')) imported.add(join(resolveDir, path));
        return { path: path.replace(/\.ts$/, '.js'), external: true };
      }),
  };
  const { outputFiles } = await build({
    ...{ entryPoints, outbase: source, outdir: target, write: false },
    ...{ bundle: true, packages: 'external', plugins: [leaveImports] },
    ...{ format: 'esm', platform: 'node', target: 'node22', charset: 'utf8' },
  });
  return outputFiles;
}
