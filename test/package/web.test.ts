import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { listeningOn, runPharos } from '../process/serve-process.ts';
import { checkTypes, moduleResolutions } from './check-types.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'pharos-package-'));
const installed = join(folder, 'node_modules/@pharos/web');
let tarball: string;

beforeAll(() => {
  runScript('build-scripts.ts');
  tarball = runScript('pack-web.ts', join(folder, 'first'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  execFileSync('npm', ['install', '--silent', '--offline', '--no-audit', '--no-fund', tarball], { cwd: folder });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Answers what it printed. */
function runScript(name: string, ...args: readonly string[]): string {
  const options = { cwd: repository, encoding: 'utf8' } as const;
  return execFileSync(process.execPath, [join(repository, 'scripts', name), ...args], options).trim();
}

test('is the same each time', () => {
  expect(readFileSync(runScript('pack-web.ts', join(folder, 'again')))).toEqual(readFileSync(tarball));
});

test('has the scripts, their types, license and readme, and nothing else', () => {
  const paths = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  expect(paths.filter((path) => statSync(join(installed, path)).isFile()).toSorted()).toEqual([
    'LICENSE',
    'README.md',
    'module.js',
    'package.json',
    'page.js',
    'types/browser/instance-record.d.ts',
    'types/protocol/json.d.ts',
    'types/protocol/push-payload.d.ts',
    'types/sdk/client.d.ts',
    'types/sdk/module.d.ts',
    'types/sdk/parse-webhooks.d.ts',
    'types/sdk/token-provider.d.ts',
    'worker.js',
  ]);
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };
  expect(JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))).toMatchObject({ version, license: 'MIT' });
});

test.each([
  ['page.js', 12],
  ['module.js', 12],
  ['worker.js', 8],
])('%s has at most %d KiB with gzip, and makes no code of texts', (name, maxKiB) => {
  const content = readFileSync(join(installed, name));
  expect(gzipSync(content).length).toBeLessThanOrEqual(maxKiB * 1024);
  expect(content.toString()).not.toMatch(/\beval\b|\bFunction\(|\.innerHTML|document\.write/);
});

const consumer = `
import type { ClientOptions, RegistrationState } from '@pharos/web';
import { Client, TokenProvider } from '@pharos/web';

const options: ClientOptions = {
  instanceId: 'an-instance',
  endpointOverride: 'https://push.example',
  webhooks: { cors: true, 'notification.clicked': 'https://site.example/hook' },
};
export async function subscribe(): Promise<RegistrationState> {
  const client = await new Client(options).start();
  await client.setUserId('ann', new TokenProvider({ url: '/auth' }));
  await client.setTags({ level: '5', old: null });
  const { interests, nextCursor } = await client.getDeviceInterests();
  const told: string = [...interests, nextCursor ?? ''].join();
  await client.addDeviceInterest(told);
  // @ts-expect-error -- an event that there is not
  new Client({ instanceId: '', webhooks: { 'notification.click': '' } });
  // @ts-expect-error -- a number is no id
  new Client({ instanceId: 1 });
  return client.getRegistrationState();
}
`;

test.each(moduleResolutions)(
  'has types for strict programs, with module resolution "%s"',
  (moduleResolution, module) => {
    const options = { module, moduleResolution, lib: ['es2022', 'dom'], types: [] };
    const checked = checkTypes(join(folder, moduleResolution), consumer, options);
    expect(checked).toEqual({ status: 0, stdout: '' });
  },
);

test('is imported where there is no page, and then says what it needs', () => {
  const program = `
    for (const name of ['window', 'document', 'navigator', 'location', 'indexedDB', 'self'])
      Object.defineProperty(globalThis, name, { get() { throw new Error(name + ' was read'); } });
    const { Client, ...others } = await import('@pharos/web');
    let refusal;
    try { new Client({ instanceId: 'an-instance' }); } catch (error) { refusal = error.message; }
    console.log(JSON.stringify({ others: Object.keys(others), refusal }));`;
  const args = ['--input-type=module', '--eval', program];
  expect(JSON.parse(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }))).toEqual({
    others: ['RegistrationState', 'TokenProvider'],
    refusal: 'Pharos: `endpointOverride` must name the server of a page script in a bundle',
  });
});

test('has the very scripts that the server serves', async () => {
  const server = runPharos(folder, ['serve'], { PHAROS_PORT: '0' });
  onTestFinished(async () => {
    server.child.kill('SIGKILL');
    await server.ended;
  });
  const [origin] = await listeningOn(server);
  for (const name of ['page.js', 'worker.js']) {
    const served = await fetch(`${origin}/pharos/${name}`);
    expect(Buffer.from(await served.arrayBuffer())).toEqual(readFileSync(join(installed, name)));
  }
});
