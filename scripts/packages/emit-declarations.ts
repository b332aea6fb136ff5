import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { inRepository } from './in-repository.ts';

/**
 * The types of a source file, `src/x/y.ts`, with those that it needs of others: `x/y.d.ts` and so on → content.
 * `tsconfig` has the types of its environment. Throws when there are type errors.
 */
export function emitDeclarations(source: string, tsconfig: string): Record<string, string> {
  mkdirSync(inRepository('dist'), { recursive: true });
  // Inside the repository, where the compiler finds packages.
  const folder = mkdtempSync(inRepository('dist/types-'));
  try {
    const config = {
      extends: inRepository(tsconfig),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: inRepository('src'),
        outDir: '.',
      },
      files: [inRepository(source)],
      include: [],
    };
    const configFile = join(folder, 'tsconfig.json');
    writeFileSync(configFile, JSON.stringify(config));
    const tsc = inRepository('node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', configFile], { stdio: 'inherit' });
    return collect(source.replace(/^src\//, ''), folder, {});
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The compiler leaves our `.ts` in imports, which nobody else may write. */
function collect(source: string, folder: string, found: Record<string, string>): Record<string, string> {
  const path = source.replace(/\.ts$/, '.d.ts');
  if (path in found) return found;
  const emitted = readFileSync(join(folder, path), 'utf8');
  found[path] = emitted.replaceAll(relativeImport, "from '$1.js'");
  for (const [, imported = ''] of emitted.matchAll(relativeImport))
    collect(join(dirname(source), `${imported}.ts`), folder, found);
  return found;
}

const relativeImport = /from '(\.{1,2}\/[^']+)\.ts'/g;
