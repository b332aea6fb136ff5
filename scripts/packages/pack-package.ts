import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inRepository } from './in-repository.ts';

export interface PackageContent {
  /** Folder below `packages/`, with the `package.json` and `README.md` of the package. */
  readonly folder: string;
  /** What its `package.json` has beside what stands there. */
  readonly manifest?: object;
  /** All else but the license: path inside the package → content. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
}

/**
 * Writes the tarball of a package into the folder `target` and answers its path. It has our version and license, and the
 * same bytes each time: npm dates every file alike.
 */
export function packPackage({ folder, manifest: more, files }: PackageContent, target: string): string {
  const { version } = readManifest('package.json');
  const manifest = { ...readManifest(`packages/${folder}/package.json`), ...more, version };
  const staging = mkdtempSync(join(tmpdir(), 'pharos-package-'));
  try {
    writeFileSync(join(staging, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    cpSync(inRepository(`packages/${folder}/README.md`), join(staging, 'README.md'));
    cpSync(inRepository('LICENSE'), join(staging, 'LICENSE'));
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(staging, path)), { recursive: true });
      writeFileSync(join(staging, path), content);
    }
    mkdirSync(target, { recursive: true });
    const args = ['pack', '--silent', '--ignore-scripts', '--offline', '--pack-destination', target];
    execFileSync('npm', args, { cwd: staging, stdio: ['ignore', 'ignore', 'inherit'] });
  } finally {
    rmSync(staging, { recursive: true });
  }
  return join(target, `${manifest.name.replace('@', '').replace('/', '-')}-${version}.tgz`);
}

interface Manifest {
  readonly name: string;
  readonly version: string;
}

const readManifest = (path: string): Manifest => JSON.parse(readFileSync(inRepository(path), 'utf8')) as Manifest;
