import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));

/** How modules are found: `moduleResolution`, and the `module` that goes with it. */
export const moduleResolutions = [
  ['nodenext', 'nodenext'],
  ['bundler', 'esnext'],
] as const;

/** What the compiler says of a strict program in a new folder; nothing, and status 0, when its types fit. */
export function checkTypes(
  folder: string,
  program: string,
  options: object,
): { readonly status: number | null; readonly stdout: string } {
  mkdirSync(folder);
  writeFileSync(join(folder, 'consumer.ts'), program);
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: 'es2022',
    ...options,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['consumer.ts'] }));
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  return { status, stdout };
}
