import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DatabaseOfRun } from '../support/database-of-run.ts';
import { openDatabaseOfRun } from '../support/database-of-run.ts';
import type { Answer } from '../support/http-handler.ts';
import { startHttpServer } from '../support/http-server.ts';
import { storage } from '../support/storage.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { waitFor } from '../support/wait-for.ts';
import type { PharosCommand } from './serve-process.ts';
import { listeningOn, runPharos } from './serve-process.ts';

let folder: string;
let database: DatabaseOfRun;
const started: PharosCommand[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pharos-serve-'));
  database = await openDatabaseOfRun();
});
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  await database.drop();
  rmSync(folder, { recursive: true });
});

function serve(env: Record<string, string> = {}, args: readonly string[] = []): PharosCommand {
  const server = runPharos(folder, ['serve', ...args], { PHAROS_PORT: '0', ...database.settings, ...env });
  started.push(server);
  return server;
}

const inData = (name: string): string => join(folder, 'pharos-data', name);

interface Credentials {
  readonly instanceId: string;
  readonly secretKey: string;
}
const firstInstance = (): Credentials => JSON.parse(readFileSync(inData('first-instance.json'), 'utf8')) as Credentials;

async function admin<Body>(origin: string | undefined, path: string): Promise<Body> {
  const authorization = `Bearer ${readFileSync(inData('admin-token'), 'utf8').trim()}`;
  const response = await fetch(`${origin}/admin/v1${path}`, { headers: { authorization } });
  expect(response.status).toBe(200);
  return (await response.json()) as Body;
}

describe('first start', () => {
  it('makes everything, for its owner only, and says what to do next', async () => {
    const server = serve();
    const [origin] = await listeningOn(server);
    expect((await fetch(`${origin}/readyz`)).status).toBe(200);
    const { instanceId, secretKey } = firstInstance();
    expect(await admin(origin, `/instances/${instanceId}`)).toMatchObject({ name: 'default', secretKey });

    expect(statSync(join(folder, 'pharos-data')).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(join(folder, 'pharos-data'))) {
      expect([name, statSync(inData(name)).mode & 0o077]).toEqual([name, 0]);
    }
    const said = await waitFor('the greeting', () => server.stderr().includes('webhook create') && server.stderr());
    for (const text of ['master-keys.json', 'admin-token', 'first-instance.json', instanceId, String(origin)]) {
      expect(said).toContain(text);
    }
  });

  it('prints no secret', async () => {
    const server = serve();
    const [origin] = await listeningOn(server);
    const { instanceId } = firstInstance();
    await admin(origin, `/instances/${instanceId}`);
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    const output = server.stdout() + server.stderr();
    expect(output).toContain(instanceId);
    const keyring = JSON.parse(readFileSync(inData('master-keys.json'), 'utf8')) as { keys: { key: string }[] };
    const secrets = [
      readFileSync(inData('admin-token'), 'utf8').trim(),
      firstInstance().secretKey,
      keyring.keys[0]?.key,
    ];
    for (const secret of secrets) {
      expect(secret).toMatch(/.{32}/);
      expect(output).not.toContain(secret);
    }
    for (const line of server.stdout().trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('event');
  });

  it('takes an admin token that is there already', async () => {
    mkdirSync(join(folder, 'pharos-data'));
    const token = 'a-token-from-somewhere-else-0123456789';
    writeFileSync(inData('admin-token'), `${token}\n`, { mode: 0o600 });
    const [origin] = await listeningOn(serve());
    const response = await fetch(`${origin}/admin/v1/instances`, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
  });
});

describe('the data folder', () => {
  it('serves one process at a time', async () => {
    const first = serve();
    await listeningOn(first);
    const second = serve();
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toContain(`in use by another Pharos server (process ${first.child.pid})`);
    expect(second.stderr()).not.toContain('    at ');
  });

  it('serves again after a kill, with the same instance', async () => {
    const first = serve();
    await listeningOn(first);
    const { instanceId } = firstInstance();
    first.child.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    const second = serve();
    const [origin] = await listeningOn(second);
    const { instances } = await admin<{ instances: { id: string }[] }>(origin, '/instances');
    expect(instances.map(({ id }) => id)).toEqual([instanceId]);
    expect(second.stderr()).not.toContain('Made');
  });

  it('is not served with new keys when its own are lost', async () => {
    const first = serve();
    await listeningOn(first);
    first.child.kill('SIGTERM');
    await first.ended;
    rmSync(inData('master-keys.json'));
    const second = serve();
    expect(await second.ended).toBe(1);
    // With PostgreSQL the folder does not know that there is a database.
    const problems = {
      sqlite: /master-keys.json is missing/,
      postgres: /sealed with other.*into pharos-data\/master-k/,
    };
    expect(second.stderr()).toMatch(problems[storage]);
    const made = readdirSync(join(folder, 'pharos-data')).includes('master-keys.json');
    expect(made).toBe(storage === 'postgres');
  });

  it.each([
    ['master-keys.json', 'not a keyring', /master-keys.json: the keyring is not JSON/],
    ['admin-token', 'short', /admin-token must hold one word of at least 32 characters/],
  ])('is refused with a damaged %s', async (name, text, message) => {
    mkdirSync(join(folder, 'pharos-data'));
    writeFileSync(inData(name), text, { mode: 0o600 });
    const server = serve();
    expect(await server.ended).toBe(1);
    expect(server.stderr()).toMatch(message);
    expect(server.stderr()).not.toContain('    at ');
  });

  it('is warned about when others can read its secrets', async () => {
    mkdirSync(join(folder, 'pharos-data'));
    writeFileSync(inData('admin-token'), 'a-token-that-everybody-can-read-012345', { mode: 0o644 });
    const server = serve();
    await listeningOn(server);
    expect(server.stdout()).toMatch(/"data-folder.exposed".*admin-token/);
  });
});

describe('settings', () => {
  it('are refused with all mistakes together', async () => {
    const env = { PHAROS_PORT: 'x', PHAROS_TLS_PORT: '1', PHAROS_DATADIR: '/x' };
    const server = serve(env, ['--encryption-threads', '0']);
    expect(await server.ended).toBe(2);
    expect(server.stdout()).toBe('');
    for (const text of [
      'PHAROS_PORT is `x`',
      'PHAROS_TLS_CERT_FILE',
      'mean PHAROS_DATA_DIR?',
      '--encryption-threads is',
    ]) {
      expect(server.stderr()).toContain(text);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('with a port that is taken end the start', async () => {
    const [origin = ''] = await listeningOn(serve());
    const second = serve({
      PHAROS_PORT: new URL(origin).port,
      PHAROS_DATA_DIR: 'other',
      PHAROS_MASTER_KEYS_FILE: inData('master-keys.json'),
    });
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toContain('EADDRINUSE');
    expect(second.stderr()).not.toContain('    at ');
  });

  it('with a certificate serve HTTP and HTTPS', async () => {
    const authority = createTestAuthority();
    const { key, cert } = authority.issue(['localhost']);
    writeFileSync(join(folder, 'key.pem'), key);
    writeFileSync(join(folder, 'cert.pem'), cert);
    const tls = { PHAROS_TLS_PORT: '0', PHAROS_TLS_CERT_FILE: 'cert.pem', PHAROS_TLS_HOST: '0.0.0.0' };
    const server = serve(tls, ['--tls-key-file', 'key.pem']);
    const [http, https] = await listeningOn(server);
    expect([http, https].map((url) => new URL(String(url)).hostname)).toEqual(['127.0.0.1', '0.0.0.0']);
    expect((await fetch(`${http}/healthz`)).status).toBe(200);
    const { port } = new URL(String(https));
    const request = httpsRequest({
      host: '127.0.0.1',
      port,
      path: '/healthz',
      servername: 'localhost',
      ca: authority.certificate,
    });
    const [response] = (await once(request.end(), 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect([new URL(String(https)).protocol, response.statusCode]).toEqual(['https:', 200]);
  });
});

// Linux tells the names of threads.
it.runIf(process.platform === 'linux')('has more threads to look up host names than libuv makes', async () => {
  // Looking this name up makes the threads.
  const server = serve({ PHAROS_HOST: 'localhost' });
  await listeningOn(server);
  const tasks = `/proc/${server.child.pid}/task`;
  const names = readdirSync(tasks).map((id) => readFileSync(join(tasks, id, 'comm'), 'utf8').trim());
  expect(names.filter((name) => name === 'libuv-worker')).toHaveLength(16);
});

describe('stopping', () => {
  /** A server with a publish whose webhook has arrived at a receiver that does not answer yet. */
  async function serverWithWebhookInFlight() {
    const answer = Promise.withResolvers<Answer>();
    const arrived = Promise.withResolvers<void>();
    const receiver = await startHttpServer(() => {
      arrived.resolve();
      return answer.promise;
    });
    const server = serve({ PHAROS_ALLOW_HTTP_WEBHOOKS: 'true', PHAROS_ALLOW_NETWORKS: '127.0.0.1,::1' });
    const [origin = ''] = await listeningOn(server);
    const { instanceId, secretKey } = firstInstance();
    const publish = (): ReturnType<typeof httpRequest> =>
      httpRequest(`${origin}/publish_api/v1/instances/${instanceId}/publishes/interests`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' },
      });
    const body = JSON.stringify({ interests: ['news'], webhookUrl: receiver.origin, web: { notification: {} } });
    await once(publish().end(body), 'response');
    await arrived.promise;
    return { server, receiver, answer, origin, instanceId, publish, body };
  }

  it('finishes what is in flight', async () => {
    const { server, receiver, answer, origin, instanceId, publish, body } = await serverWithWebhookInFlight();
    const halfSent = publish();
    halfSent.setHeader('expect', '100-continue').flushHeaders();
    await once(halfSent, 'continue');
    halfSent.write(body.slice(0, 10));
    server.child.kill('SIGTERM');
    await waitFor('the port to be closed', () =>
      fetch(`${origin}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    const [response] = (await once(halfSent.end(body.slice(10)), 'response')) as [
      { statusCode: number; resume(): void },
    ];
    response.resume();
    expect(response.statusCode).toBe(200);
    answer.resolve({ status: 200 });
    expect(await server.ended).toBe(0);
    expect(server.stdout()).toContain('"server.stopped"');
    await receiver.close();

    const [again] = await listeningOn(serve());
    const { messages } = await admin<{ messages: Record<string, unknown>[] }>(
      again,
      `/instances/${instanceId}/messages`,
    );
    const delivered = messages.filter(
      ({ eventType, state }) => eventType === 'publish.started' && state === 'delivered',
    );
    expect(delivered.length).toBeGreaterThanOrEqual(1);
    expect(delivered[0]).toMatchObject({ attempts: 1 });
  });

  it('ends at once at the second signal', async () => {
    const { server, receiver, origin } = await serverWithWebhookInFlight();
    server.child.kill('SIGTERM');
    await waitFor('the port to be closed', () =>
      fetch(`${origin}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe('SIGTERM');
    await receiver.close();
  });

  it('obeys Ctrl-C too', async () => {
    const server = serve();
    await listeningOn(server);
    server.child.kill('SIGINT');
    expect(await server.ended).toBe(0);
    expect(readdirSync(join(folder, 'pharos-data'))).not.toContain('pharos.pid');
  });
});
