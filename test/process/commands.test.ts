import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseOfRun } from '../support/database-of-run.ts';
import { openDatabaseOfRun } from '../support/database-of-run.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { PharosCommand } from './serve-process.ts';
import { listeningOn, runPharos } from './serve-process.ts';
import { eventTypes } from '../../src/protocol/event-types.ts';

let folder: string;
let server: PharosCommand;
let origin: string;
let database: DatabaseOfRun;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pharos-commands-'));
  database = await openDatabaseOfRun();
  server = runPharos(folder, ['serve'], { PHAROS_PORT: '0', ...database.settings });
  [origin = ''] = await listeningOn(server);
});
afterAll(async () => {
  server.child.kill('SIGKILL');
  await server.ended;
  await database.drop();
  rmSync(folder, { recursive: true });
});

/** Exit code and output of a command, run in the folder of the server. */
async function pharos(...args: string[]) {
  const command = runPharos(folder, args, { PHAROS_URL: origin });
  const code = await command.ended;
  return { code, stdout: command.stdout(), stderr: command.stderr() };
}

async function json<Answer>(...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await pharos(...args, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Answer;
}

describe('commands', () => {
  it('make, list, show and change instances', async () => {
    writeFileSync(join(folder, 'key'), `${'K'.repeat(40)}\n`);
    const id = '5b1c2d3e-4f50-4a6b-8c7d-9e0f1a2b3c4d';
    const created = await pharos('instance', 'create', 'My shop', '--id', id, '--secret-key-file', 'key');
    expect(created).toMatchObject({ code: 0, stderr: '' });
    for (const text of [id, 'My shop', 'K'.repeat(40)]) expect(created.stdout).toContain(text);

    const listed = await pharos('instance', 'list');
    expect(listed.stdout).toMatch(/^instance id +name +created at\n/);
    expect(listed.stdout).toMatch(new RegExp(`\n${id} +My shop +20`));
    expect(listed.stdout).not.toContain('K'.repeat(40));

    const origins = 'https://a.example,https://b.example';
    const updated = await json(
      'instance',
      'update',
      id,
      '--name',
      'Shop',
      '--allowed-origins',
      origins.replace(',', ', '),
    );
    expect(updated).toMatchObject({ name: 'Shop', allowedOrigins: origins.split(',') });
    expect(await json('instance', 'update', id, '--allowed-origins', 'any')).toMatchObject({ allowedOrigins: null });
    expect(await json('instance', 'show', id)).toMatchObject({ id, name: 'Shop', secretKey: 'K'.repeat(40) });
  });

  it('make, list, change and delete webhooks', async () => {
    const { id } = await json<{ id: string }>('instance', 'create', 'hooked');
    const target = 'https://user:hunter2@site.example/hook';
    const webhook = await json<{ id: string; events: string[] }>('webhook', 'create', id, '--target', target);
    expect(webhook.events).toEqual([...eventTypes]);
    const listed = await pharos('webhook', 'list', id);
    expect(listed.stdout).toContain(webhook.id);
    expect(listed.stdout).not.toContain('hunter2');
    writeFileSync(join(folder, 'secret'), 'webhook-secret');
    const changes = ['--events', 'v1.UserNotificationOpen', '--secret-file', 'secret', '--custom-data', '{"a":1}'];
    expect(await json('webhook', 'update', id, webhook.id, ...changes, '--disable')).toMatchObject({
      url: target,
      events: ['v1.UserNotificationOpen'],
      secret: 'webhook-secret',
      customData: { a: 1 },
      disabledAt: expect.any(String),
    });
    const wrong = await pharos('webhook', 'update', id, webhook.id, '--batch', '100');
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('two whole numbers, like 100,1000, or none'),
    });
    const batched = ['--enable', '--batch', '100,1000'];
    expect(await json('webhook', 'update', id, webhook.id, ...batched)).toMatchObject({
      ...{ disabledAt: null, options: { batch: { maxEvents: 100, maxWaitMs: 1_000 } } },
    });
    expect(await pharos('webhook', 'delete', id, webhook.id)).toMatchObject({ code: 0 });
    expect((await pharos('webhook', 'list', id)).stdout).toBe('The instance has no webhooks.\n');
    const classic = ['--target', 'https://site.example/hook', '--format', 'classic'];
    expect(await json('webhook', 'create', id, ...classic)).toMatchObject({
      format: 'classic',
      events: ['v1.NotificationDisplayed', 'v1.NotificationClicked', 'v1.NotificationDismissed'],
    });
  });

  const message = '0193a000-0000-7000-8000-000000000001';
  const event = 'v1.UserNotificationOpen';

  it('list messages and attempts', async () => {
    const { id } = await json<{ id: string }>('instance', 'create', 'quiet');
    expect((await pharos('message', 'list', id, '--limit', '5')).stdout).toBe('There are no such messages.\n');
    const unknown = await pharos('message', 'attempts', id, message);
    expect(unknown).toEqual({ code: 1, stdout: '', stderr: `pharos: The instance has no message ${message}.\n` });
    expect(await pharos('message', 'show', id, message)).toEqual(unknown);
    expect(await pharos('message', 'resend', id, message)).toEqual(unknown);
    expect(await pharos('publish', 'show', id, message)).toEqual({
      ...{ code: 1, stdout: '' },
      stderr: `pharos: The instance has no publish ${message}.\n`,
    });
    const lost = await pharos('message', 'list', id, '--since', 'yesterday');
    expect(lost).toMatchObject({ code: 2, stderr: expect.stringMatching(/It must be a time like/) });
  });

  it('send messages again', async () => {
    const { id } = await json<{ id: string }>('instance', 'create', 'again');
    const webhook = await json<{ id: string }>(
      'webhook',
      'create',
      id,
      '--target',
      'https://a.example',
      '--events',
      event,
    );
    const { replays } = await json<{ replays: { id: string }[] }>('webhook', 'replay', id, webhook.id, '--since', '2h');
    expect(replays).toMatchObject([{ webhookId: webhook.id, states: ['exhausted'] }]);
    expect((await pharos('webhook', 'replays', id)).stdout).toContain(String(replays[0]?.id));
    const missed = await json<{ replays: object[] }>('webhook', 'catch-up', id, webhook.id);
    expect(missed.replays).toHaveLength(2);
    const ended = await pharos('webhook', 'cancel-replay', id, message);
    expect(ended.stderr).toBe(`pharos: The instance has no replay ${message}.\n`);
  });

  it.each([
    ['the words of the server', 1, ['instance', 'show', 'x'], /^pharos: There is no instance x\.\n$/],
    [
      'a server that is not there',
      1,
      ['instance', 'list', '--url', 'http://127.0.0.1:1'],
      /no server answers at .*:1 \(.+\): is/,
    ],
    ['a token that is not there', 1, ['instance', 'list', '--data-dir', 'nowhere'], /admin token cannot be read/],
    [
      'a token that is wrong',
      1,
      ['instance', 'list', '--admin-token-file', 'other-token'],
      /does not take the admin token in other-token: name /,
    ],
    [
      'a secret that is not there',
      2,
      ['instance', 'create', 'x', '--secret-key-file', 'nowhere'],
      /secret cannot be read/,
    ],
    ['wrong settings', 2, ['instance', 'list', '--url', 'ftp://x'], /--url is `ftp:\/\/x`/],
    ['a missing argument', 2, ['instance', 'show'], /missing required argument 'instance'/],
    ['too many arguments', 2, ['instance', 'list', 'x'], /too many arguments/],
    ['an unknown command', 2, ['instnace'], /unknown command 'instnace'.*\n.*instance/],
    ['data that are not JSON', 2, ['webhook', 'create', 'x', '--target', 'x', '--custom-data', '{'], /It is not JSON/],
  ])('fail in words: %s', async (_, code, args, message) => {
    writeFileSync(join(folder, 'other-token'), 'x'.repeat(40));
    const result = await pharos(...args);
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
    expect(result.stderr).not.toContain('    at ');
  });

  const publishOf010 = {
    ...{ id: 'x', target: 'users', platforms: ['web'], acceptedAt: 'x', finishedAt: null },
    ...{ counts: { web: { accepted: 2 } }, users: { delivered: ['anna'], noDevices: [], failed: [] } },
  };

  it('fail in words: a server that is not Pharos; one of 0.1.0 is', async () => {
    const answers = ['<html>', '{"instances":[]}', JSON.stringify(publishOf010)];
    const other = createServer((_request, response) => response.end(answers.shift())).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const result = await pharos('instance', 'list', '--url', url);
    expect(result).toEqual({ code: 1, stdout: '', stderr: `pharos: what answers at ${url} is not Pharos\n` });
    const older = await pharos('instance', 'list', '--url', url);
    expect(older).toEqual({ code: 0, stdout: 'There are no instances.\n', stderr: '' });
    const shown = await pharos('publish', 'show', 'x', 'x', '--url', url).finally(() => other.close());
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^users reached +1$.*^platform +accepted\nweb +2\n\nThere are no Insights\.\n$/ms);
  });

  it('fail in words: a certificate that is not trusted', async () => {
    const authority = createTestAuthority();
    const other = createHttpsServer(authority.issue(['localhost'])).listen(0, 'localhost');
    await once(other, 'listening');
    const url = `https://localhost:${(other.address() as AddressInfo).port}`;
    writeFileSync(join(folder, 'ca.pem'), authority.certificate);
    const run = (env: Record<string, string>) => runPharos(folder, ['instance', 'list', '--url', url], env);
    const untrusted = run({});
    expect(await untrusted.ended).toBe(1);
    expect(untrusted.stderr()).toMatch(/certificate.*UNABLE_TO_VERIFY_LEAF_SIGNATURE.*NODE_EXTRA_CA_CERTS/);
    expect(untrusted.stderr()).not.toContain('pharos serve');
    const plain = await pharos('instance', 'list', '--url', origin.replace('http:', 'https:'));
    expect(plain).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/https:.* speaks no TLS \(.+\): is it http: there\?\n$/),
    });
    other.on('request', (_request, response) => (response as ServerResponse).end('<html>'));
    const trusted = run({ NODE_EXTRA_CA_CERTS: 'ca.pem' });
    await trusted.ended;
    other.close();
    expect(trusted.stderr()).toBe(`pharos: what answers at ${url} is not Pharos\n`);
  });

  it('explain themselves', async () => {
    const help = await pharos('serve', '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--tls-cert-file <file>');
    // Whose reader has gone before it began.
    const headless = `"$0" src/cli/pharos.ts serve --help | true; exit "\${PIPESTATUS[0]}"`;
    const env = { ...process.env, NODE_NO_WARNINGS: '1' };
    const cutShort = spawnSync('bash', ['-c', headless, process.execPath], { encoding: 'utf8', env });
    expect(cutShort).toMatchObject({ status: 0, stderr: '' });
    expect((await pharos('--version')).stdout).toMatch(/^\d+\.\d+\.\d+/);
  });
});
