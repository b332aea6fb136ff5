/**
 * Makes the next release out of what is committed: version, changelog and packages, in `dist/`. The server's is also kept in
 * `test/releases`, where the test of upgrades finds it. Run again before the tag, it packs what has changed since.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inRepository } from './packages/in-repository.ts';

interface Manifest {
  version: string;
  packages?: Record<string, { version?: string }>;
}

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: inRepository('.'), encoding: 'utf8' }).trim();
const node = (...args: readonly string[]): string =>
  execFileSync(process.execPath, args, { cwd: inRepository('.'), encoding: 'utf8' }).trim();
const readManifest = (file: string): Manifest => JSON.parse(readFileSync(inRepository(file), 'utf8')) as Manifest;

if (git('status', '--porcelain') !== '') throw new Error('there is something that is not committed');
const isChange = (file: string): boolean => file.endsWith('.md') && file !== 'README.md';
if (readdirSync(inRepository('.changeset')).some(isChange)) {
  node('node_modules/@changesets/cli/bin.js', 'version');
  node('node_modules/oxfmt/bin/oxfmt', 'CHANGELOG.md', 'package.json');
}
const { version } = readManifest('package.json');
if (git('tag', '--list', `v${version}`) !== '')
  throw new Error(`${version} is released, and nothing in .changeset says what is new`);

const lock = readManifest('package-lock.json');
lock.version = version;
if (lock.packages?.['']) lock.packages[''].version = version;
writeFileSync(inRepository('package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`);

const [server = ''] = ['server', 'web', 'webhooks'].map((name) => node(`scripts/pack-${name}.ts`));
const kept = inRepository('test/releases');
rmSync(kept, { recursive: true, force: true });
mkdirSync(kept);
copyFileSync(server, join(kept, basename(server)));
console.log(`Read CHANGELOG.md, run npm test, then:
  git add --all && git commit -m "release: ${version}"
  git tag v${version}`);
