import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lastRelease } from '../support/server-package.ts';

const repository = join(import.meta.dirname, '../..');
const git = (...args: readonly string[]) => {
  const { status, stdout } = spawnSync('git', args, { cwd: repository, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
};
const release = lastRelease();

test('the tarball of the last release in the changelog is kept, and no other', () => {
  const changelog = readFileSync(join(repository, 'CHANGELOG.md'), 'utf8');
  expect(/^## (\S+)$/m.exec(changelog)?.[1]).toBe(release.version);
  expect(readdirSync(join(repository, 'test/releases'))).toEqual([`pharos-${release.version}.tgz`]);
});

test('it is the one of the tag, where there are tags', () => {
  const path = `test/releases/pharos-${release.version}.tgz`;
  // A shallow clone has none.
  const tagged = git('rev-parse', '--verify', '--quiet', `v${release.version}:${path}`) ?? 'no tag';
  expect(['no tag', git('hash-object', path)]).toContain(tagged);
});

test('its migrations are unchanged: there are databases that had them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pharos-release-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  execFileSync('tar', ['-xzf', release.tarball, '-C', folder]);
  const released = readMigrations(join(folder, 'package/lib/storage/migrations'));
  expect(Object.keys(released)).not.toEqual([]);
  expect(readMigrations(join(repository, 'src/storage/migrations'))).toMatchObject(released);
});

/** Path → statements. */
const readMigrations = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.sql'))
      .map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
  );
