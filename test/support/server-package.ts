import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

const repository = join(import.meta.dirname, '../..');

/** The last release, which is in the repository (docs/decisions/0024). */
export function lastRelease(): { readonly version: string; readonly tarball: string } {
  const { version } = readManifest(repository);
  return { version, tarball: join(repository, `test/releases/pharos-${version}.tgz`) };
}

/** Makes the package of the present sources in a folder; answers the tarball's path. */
export function packServer(folder: string): string {
  const args = [join(repository, 'scripts/pack-server.ts'), folder];
  return execFileSync(process.execPath, args, { cwd: repository, encoding: 'utf8' }).trim();
}

/**
 * Unpacks a tarball of the server into a new folder and answers where the package is, ready to run. Its dependencies
 * are those of the checkout, unless it wants others.
 */
export function unpackServer(tarball: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', folder]);
  const unpacked = join(folder, 'package');
  if (isDeepStrictEqual(readManifest(unpacked).dependencies, readManifest(repository).dependencies))
    symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  else execFileSync('npm', ['install', '--silent', '--prefer-offline'], { cwd: unpacked });
  if (!existsSync(join(unpacked, 'lib/main.js'))) throw new Error(`${tarball} is no package of the server`);
  return unpacked;
}

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
