import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { listeningOn, runPharos } from '../process/serve-process.ts';
import { programEnvironment } from '../support/program-environment.ts';
import { packServer } from '../support/server-package.ts';

const repository = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'pharos-package-'));
const installed = join(folder, 'node_modules/pharos');
const program = join(folder, 'node_modules/.bin/pharos');
let tarball: string;

beforeAll(() => {
  tarball = packServer(join(folder, 'first'));
  const resolved = `file:${tarball}`;
  const { packages } = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as Lock;
  const needed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev);
  const dependencies = { pharos: resolved };
  const lock = {
    lockfileVersion: 3,
    packages: {
      '': { dependencies },
      'node_modules/pharos': {
        resolved,
        dependencies: packages['']?.dependencies,
        bin: { pharos: 'lib/cli/pharos.js' },
      },
      ...Object.fromEntries(needed),
    },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  // With it npm finds in its cache what the checkout was installed from.
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  execFileSync('npm', ['ci', '--silent', '--prefer-offline'], { cwd: folder });
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly dependencies?: object }>>;
}

/** What it prints and its exit code, run as in a shell in the folder that it is installed in. */
function pharos(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...programEnvironment(), NODE_NO_WARNINGS: '1' },
  });
  return { status, stdout, stderr };
}

test('is the same each time', () => {
  expect(readFileSync(packServer(join(folder, 'again')))).toEqual(readFileSync(tarball));
});

test('has what runs, what sites load and what is written for its users, and nothing else', () => {
  const paths = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => statSync(join(installed, path)).isFile());
  expect(files.filter((path) => !/^(lib\/.*\.js|docs\/.*\.(md|json))$/.test(path)).toSorted()).toEqual([
    'LICENSE',
    'README.md',
    'dist/page.js',
    'dist/worker.js',
    ...['postgres', 'sqlite'].flatMap((storage) =>
      readdirSync(join(repository, 'src/storage/migrations', storage))
        .toSorted()
        .map((file) => `lib/storage/migrations/${storage}/${file}`),
    ),
    'package.json',
  ]);
  expect(files.filter((path) => /test|^lib\/(sdk|service-worker|webhooks)\//.test(path))).toEqual([]);
  expect(statSync(tarball).size).toBeLessThan(600_000);
});

test('serves, from its first start, and its commands reach it', async () => {
  const server = runPharos(folder, ['serve'], { PHAROS_PORT: '0' }, program);
  onTestFinished(async () => {
    server.child.kill('SIGKILL');
    await server.ended;
  });
  const [origin = ''] = await listeningOn(server);
  for (const name of ['page.js', 'worker.js']) {
    const served = await fetch(`${origin}/pharos/${name}`);
    expect(await served.text()).toBe(readFileSync(join(installed, 'dist', name), 'utf8'));
  }
  expect(pharos('instance', 'list', '--url', origin)).toMatchObject({ status: 0, stderr: '' });
  const id = '11111111-2222-4333-8444-555555555555';
  writeFileSync(join(folder, 'beams-secret-key'), 'F'.repeat(64));
  expect(
    pharos('instance', 'create', 'shop', '--id', id, '--secret-key-file', 'beams-secret-key', '--url', origin),
  ).toMatchObject({ status: 0, stderr: '' });
  const created = pharos('webhook', 'create', id, '--target', 'https://backend.example/hooks', '--url', origin);
  expect(created).toMatchObject({ status: 0, stderr: '' });
  // Another thread, which is found by its file.
  expect(pharos('backup', 'backup.db', '--url', origin)).toMatchObject({ status: 0, stderr: '' });
  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
});

test('tells its version and its commands', () => {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };
  expect(pharos('--version').stdout).toBe(`${version}\n`);
  expect(pharos('--help').stdout).toContain('pharos serve');
});

test('the repository itself is no package', () => {
  const { status, stderr } = spawnSync('npm', ['pack', '--dry-run'], { cwd: repository, encoding: 'utf8' });
  expect([status === 0, stderr]).toEqual([false, expect.stringContaining('npm run pack:server')]);
});
