import { globSync, readFileSync } from 'node:fs';
import { bundleScripts } from './bundle-scripts.ts';
import { compileServer } from './compile-server.ts';
import { inRepository } from './in-repository.ts';
import type { PackageContent } from './pack-package.ts';

/** The server as it is installed: what runs, what sites load from it, and what is written for those who use it. */
export async function serverPackage(): Promise<PackageContent> {
  const { 'page.js': page, 'worker.js': worker } = await bundleScripts();
  const { description, dependencies, engines } = JSON.parse(
    readFileSync(inRepository('package.json'), 'utf8'),
  ) as Record<string, unknown>;
  return {
    folder: 'server',
    manifest: { description, dependencies, engines },
    files: {
      ...below('lib', await compileServer()),
      ...below('lib', readAll('src', 'storage/migrations/*/*.sql')),
      ...below('dist', { 'page.js': page, 'worker.js': worker }),
      ...below('docs', readAll('docs', '{*,moving/*,wire/*,grafana/*}.{md,json}')),
    },
  };
}

type Files = Record<string, Uint8Array>;

const below = (folder: string, files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]));

const readAll = (folder: string, pattern: string): Files =>
  Object.fromEntries(
    globSync(pattern, { cwd: inRepository(folder) }).map((path) => [
      path,
      readFileSync(inRepository(`${folder}/${path}`)),
    ]),
  );
