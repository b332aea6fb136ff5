import { execFileSync, spawn } from 'node:child_process';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { checkTypes, moduleResolutions } from './check-types.ts';
import { consumer, nextApp, receivers } from './webhook-receivers.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'pharos-package-'));
const installed = join(folder, 'node_modules/@pharos/webhooks');
let tarball: string;
/** 340 MB, from npm's registry: only `npm run test:soak` has it. */
const next = process.env['WEBHOOKS_IN_NEXT'] === undefined ? [] : ['next@16', 'react@19', 'react-dom@19'];

beforeAll(() => {
  tarball = pack(join(folder, 'first'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const from = next.length > 0 ? '--prefer-offline' : '--offline';
  execFileSync('npm', ['install', '--silent', from, '--no-audit', '--no-fund', tarball, ...next], { cwd: folder });
  // The frameworks are the repository's.
  mkdirSync(join(folder, 'node_modules/@hono'));
  for (const name of ['express', 'fastify', 'hono', '@hono/node-server', '@types/node', 'undici-types']) {
    mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), join(folder, 'node_modules', name));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Answers the tarball's path. */
function pack(target: string): string {
  const args = [join(repository, 'scripts/pack-webhooks.ts'), target];
  return execFileSync(process.execPath, args, { cwd: repository, encoding: 'utf8' }).trim();
}

test('is the same each time', () => {
  expect(readFileSync(pack(join(folder, 'again')))).toEqual(readFileSync(tarball));
});

test('has a module, its types, license and readme, and needs nothing', () => {
  const paths = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => statSync(join(installed, path)).isFile());
  expect(files.filter((path) => !path.startsWith('types/')).toSorted()).toEqual([
    'LICENSE',
    'README.md',
    'module.js',
    'package.json',
  ]);
  expect(files).toContain('types/webhooks/module.d.ts');
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<string, unknown>;
  expect(manifest).toMatchObject({ license: 'MIT', engines: { node: '>=18' } });
  expect(manifest['dependencies']).toBeUndefined();
  const imports = readFileSync(join(installed, 'module.js'), 'utf8').match(/import[ (][^;]*/g);
  expect(imports).toEqual([expect.stringContaining('node:crypto')]);
});

test.each(moduleResolutions)(
  'has types for strict programs, with module resolution "%s"',
  (moduleResolution, module) => {
    const options = { module, moduleResolution, noUncheckedIndexedAccess: true, types: ['node'] };
    const checked = checkTypes(join(folder, moduleResolution), consumer, options);
    expect(checked).toEqual({ status: 0, stdout: '' });
  },
);

const programs = Object.entries(receivers).map(([name, program]) => {
  const main = `${name}.js`;
  return { name, main, path: '/hook', files: { [main]: program } };
});
if (next.length > 0) {
  const app = { main: 'next/server.js', files: nextApp };
  programs.push({ name: 'the App Router of Next', path: '/hook', ...app });
  programs.push({ name: 'the Pages Router of Next', path: '/api/hook', ...app });
}

describe.each(programs)('inside $name', ({ name, main, path, files }) => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const publicText = `whpk_${publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')}`;
  // Blanks that a parser would lose.
  const body =
    '{ "type": "v1.NotificationClicked", "timestamp": "2026-01-02T03:04:05.678Z", "data": {"device_id": "é"} }';

  async function startReceiver(): Promise<string> {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const env = { ...process.env, SECRETS: JSON.stringify([secret, 'my-own-secret', publicText]) };
    const child = spawn(process.execPath, [main], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    return new Promise((resolve, reject) => {
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
        const port = /^\d+$/m.exec(printed)?.[0];
        if (port) resolve(`http://127.0.0.1:${port}${path}`);
      });
      child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
    });
  }

  const signatures = {
    v1: (id: string, at: string) =>
      `v1,${createHmac('sha256', Buffer.alloc(32, 7)).update(`${id}.${at}.${body}`).digest('base64')}`,
    v1a: (id: string, at: string) =>
      `v1a,${sign(null, Buffer.from(`${id}.${at}.${body}`), privateKey).toString('base64')}`,
    beams: () => createHmac('sha1', 'my-own-secret').update(body).digest('hex'),
  };
  async function post(url: string, scheme: keyof typeof signatures, sent = body, ageSeconds = 0) {
    const at = String(Math.floor(Date.now() / 1_000) - ageSeconds);
    const headers = {
      'content-type': 'application/json',
      'webhook-id': 'msg_1',
      'webhook-timestamp': at,
      'webhook-signature': signatures[scheme]('msg_1', at),
    };
    const response = await fetch(url, { method: 'POST', headers, body: sent });
    return { status: response.status, text: await response.text() };
  }

  test('what is signed arrives typed, and nothing else', async () => {
    const url = await startReceiver();
    for (const scheme of ['v1', 'v1a', 'beams'] as const) {
      expect(await post(url, scheme)).toEqual({ status: 200, text: 'msg_1 v1.NotificationClicked é' });
      expect(await post(url, scheme, body.replace('é', 'e'))).toEqual({ status: 401, text: 'wrong-signature' });
    }
    expect(await post(url, 'v1', body, 600)).toEqual({ status: 401, text: 'too-old' });
    // Some end the connection while the client is still sending.
    const large = await post(url, 'v1', ' '.repeat(200_000)).then(
      ({ status }) => status,
      () => 'connection ended',
    );
    expect([413, 'connection ended']).toContain(large);
    // A connection that is about to end may take one more request with it.
    const afterwards = await post(url, 'v1').catch(() => post(url, 'v1'));
    expect(afterwards.status).toBe(200);
  });
});
