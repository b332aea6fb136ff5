import { createHmac } from 'node:crypto';
import {
  writeFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ViewedProcess } from '../faults/database-view.ts';
import { viewDatabase } from '../faults/database-view.ts';
import { openDatabaseOfRun } from '../support/database-of-run.ts';
import { createTestDatabase } from '../support/postgres.ts';
import type { StorageName } from '../support/storage.ts';
import { waitFor } from '../support/wait-for.ts';
import type { PharosCommand } from './serve-process.ts';
import { listeningOn, runPharos } from './serve-process.ts';

interface Keyring {
  readonly keys: readonly { readonly id: string; readonly key: string }[];
}

/** A folder of the test's own, with a server on `pharos-data` in it that can be killed and started again. */
async function aServer(storedIn?: StorageName) {
  const database = await openDatabaseOfRun(storedIn);
  const folder = mkdtempSync(join(tmpdir(), 'pharos-lifecycle-'));
  const dataDir = join(folder, 'pharos-data');
  let server: PharosCommand;
  let origin = '';
  const start = async (env = {}) => {
    server = runPharos(folder, ['serve'], { PHAROS_PORT: '0', ...database.settings, ...env });
    [origin = ''] = await listeningOn(server);
  };
  const kill = async () => {
    server.child.kill('SIGKILL');
    await server.ended;
  };
  onTestFinished(async () => {
    await kill();
    await database.drop();
    rmSync(folder, { recursive: true });
  });
  await start();
  const firstInstance = JSON.parse(readFileSync(join(dataDir, 'first-instance.json'), 'utf8')) as {
    readonly instanceId: string;
    readonly secretKey: string;
  };
  const command = async (args: readonly string[], env = {}) => {
    const run = runPharos(folder, args, { PHAROS_URL: origin, ...env });
    const code = await run.ended;
    return { code, stdout: run.stdout(), stderr: run.stderr() };
  };
  const publish = (interest: string, secretKey = firstInstance.secretKey) =>
    fetch(`${origin}/publish_api/v1/instances/${firstInstance.instanceId}/publishes/interests`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ interests: [interest], web: { notification: { title: 'hello' } } }),
    });
  return {
    folder,
    dataDir,
    databaseUrl: database.databaseUrl,
    ...firstInstance,
    start,
    kill,
    origin: () => origin,
    log: () => server.stdout(),
    command,
    json: async <Answer>(...args: readonly string[]): Promise<Answer> => {
      const { code, stdout, stderr } = await command([...args, '--json']);
      expect([code, stderr]).toEqual([0, '']);
      return JSON.parse(stdout) as Answer;
    },
    publish,
    /** Publishes until told to stop; gives the ids that were answered 200. */
    publishUntil: async (stop: AbortSignal) => {
      const accepted: string[] = [];
      while (!stop.aborted) {
        const answers = await Promise.all(['a', 'b', 'c', 'd'].map((interest) => publish(interest)));
        for (const answer of answers) accepted.push(((await answer.json()) as { publishId: string }).publishId);
      }
      return accepted;
    },
    keyring: () => JSON.parse(readFileSync(join(dataDir, 'master-keys.json'), 'utf8')) as Keyring,
  };
}

/** Ids of the master keys that values in the database are sealed with. */
async function sealedWith(server: ViewedProcess): Promise<Set<string>> {
  const view = await viewDatabase(server);
  const columns = ['secret_key FROM instances', 'vapid_private_key FROM instances', 'body FROM publishes'];
  const rows = await Promise.all(columns.map((column) => view.all(`SELECT ${column}`)));
  await view.close();
  const values = rows.flat().flatMap((row) => Object.values(row));
  return new Set(values.map((value) => Buffer.from(value as Uint8Array).toString('hex', 1, 5)));
}

describe('moving from SQLite to PostgreSQL', () => {
  it('takes everything along, once the server is stopped, also when the copy is killed', async () => {
    const server = await aServer('sqlite');
    const accepted: string[] = [];
    for (let count = 0; count < 30; count += 1) {
      accepted.push(((await (await server.publish('a')).json()) as { publishId: string }).publishId);
    }
    const database = await createTestDatabase();
    onTestFinished(() => database.drop());
    const copy = ['db', 'copy', '--from', `sqlite:${server.dataDir}`, '--to', database.url];
    expect(await server.command(copy)).toMatchObject({ code: 1, stderr: expect.stringMatching(/in use/) });
    await server.kill();

    const killed = runPharos(server.folder, copy);
    await waitFor('a table to be copied', () => killed.stderr().includes('copied'));
    killed.child.kill('SIGKILL');
    await killed.ended;
    const again = await server.command(copy);
    // Whoever is quick enough is not killed any more.
    const done = killed.stdout() === '' ? again : { code: 0, stdout: killed.stdout() };
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Copied and compared [0-9]+ rows in/) });

    await server.start({ PHAROS_DATABASE_URL: database.url });
    expect((await server.publish('a')).status).toBe(200);
    const token = readFileSync(join(server.dataDir, 'admin-token'), 'utf8').trim();
    for (const id of accepted) {
      const path = `/admin/v1/instances/${server.instanceId}/publishes/${id}`;
      const answer = await fetch(server.origin() + path, { headers: { authorization: `Bearer ${token}` } });
      expect(answer.status).toBe(200);
    }
  });
});

// PostgreSQL has tools of its own.
describe('backup and restore of SQLite', () => {
  it('saves under load what was accepted before, and the restored server has it all', async () => {
    const server = await aServer('sqlite');
    const load = new AbortController();
    const before: string[] = [];
    for (let count = 0; count < 30; count += 1) {
      before.push(((await (await server.publish('a')).json()) as { publishId: string }).publishId);
    }
    const running = server.publishUntil(load.signal);
    const saved = await server.json<{ bytes: number; masterKeys: string[] }>('backup', 'saved.db');
    load.abort();
    const during = await running;
    expect(during.length).toBeGreaterThan(0);
    const file = join(server.folder, 'saved.db');
    expect(saved).toMatchObject({ bytes: statSync(file).size, masterKeys: server.keyring().keys.map(({ id }) => id) });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(server.dataDir).filter((name) => name.startsWith('backup'))).toEqual([]);
    expect((await server.command(['backup', 'saved.db'])).stderr).toMatch(/exists already/);

    copyFileSync(join(server.dataDir, 'master-keys.json'), join(server.folder, 'keys.json'));
    const restore = ['restore', 'saved.db', '--master-keys-file', 'keys.json', '--data-dir'];
    expect((await server.command([...restore, 'pharos-data'])).stderr).toMatch(/not empty/);
    expect(await server.command([...restore, 'restored'])).toMatchObject({ code: 0, stderr: '' });
    await server.kill();

    const restored = runPharos(server.folder, ['serve', '--data-dir', 'restored'], { PHAROS_PORT: '0' });
    onTestFinished(() => void restored.child.kill('SIGKILL'));
    const [origin = ''] = await listeningOn(restored);
    const token = readFileSync(join(server.folder, 'restored', 'admin-token'), 'utf8').trim();
    for (const id of before) {
      const path = `/admin/v1/instances/${server.instanceId}/publishes/${id}`;
      expect((await fetch(origin + path, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
    }
    const publish = await fetch(`${origin}/publish_api/v1/instances/${server.instanceId}/publishes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ interests: ['a'], web: {} }),
    });
    expect(publish.status).toBe(200);
  });

  it('refuses what would not work', async () => {
    const server = await aServer('sqlite');
    await server.json('backup', 'saved.db');
    const restore = async (file: string, keys: string) => {
      const result = await server.command(['restore', file, '--master-keys-file', keys, '--data-dir', 'restored']);
      expect(existsSync(join(server.folder, 'restored'))).toBe(false);
      return result;
    };
    const keys = 'pharos-data/master-keys.json';
    expect(await restore('nowhere', keys)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there is no file/),
    });
    expect(await restore('saved.db', 'saved.db')).toMatchObject({ code: 2, stderr: expect.stringMatching(/not JSON/) });
    const other = await aServer('sqlite');
    const wrong = await restore('saved.db', join(other.dataDir, 'master-keys.json'));
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/the keyring has no key/) });
    writeFileSync(join(server.folder, 'text'), 'not a database');
    expect(await restore('text', keys)).toMatchObject({ code: 1, stderr: expect.stringMatching(/not a database/) });
  });
});

describe('rotating the secret key', () => {
  it('lets both keys in until the overlap is over, for publishes and user tokens', async () => {
    const server = await aServer();
    const subscription = { endpoint: 'https://updates.push.services.mozilla.com/a', keys: subscriptionKeys };
    const devices = `${server.origin()}/device_api/v1/instances/${server.instanceId}/devices/web`;
    const registered = await fetch(devices, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: Buffer.from(JSON.stringify(subscription)).toString('base64'), metadata: {} }),
    });
    const { id } = (await registered.json()) as { id: string };
    const setUser = async (key: string) => {
      const token = userToken(server.instanceId, key);
      const authorization = `Bearer ${token}`;
      return (await fetch(`${devices}/${id}/user`, { method: 'PUT', headers: { authorization } })).status;
    };
    const statuses = async (key: string) => [(await server.publish('a', key)).status, await setUser(key)];

    const rotated = await server.json<{ secretKey: string; previousSecretKeyEndsAt: string }>(
      ...['instance', 'rotate-key', server.instanceId, '--overlap-seconds', '3600'],
    );
    expect(rotated.secretKey).not.toBe(server.secretKey);
    expect(Date.parse(rotated.previousSecretKeyEndsAt)).toBeGreaterThan(Date.now());
    expect(await statuses(rotated.secretKey)).toEqual([200, 200]);
    expect(await statuses(server.secretKey)).toEqual([200, 200]);
    expect(await statuses('x'.repeat(64))).toEqual([401, 401]);
    const again = await server.command(['instance', 'rotate-key', server.instanceId]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/works until/) });

    await server.kill();
    await server.start();
    expect((await server.publish('a', server.secretKey)).status).toBe(200);
    await server.json('instance', 'retire-key', server.instanceId);
    expect((await server.publish('a', server.secretKey)).status).toBe(401);
    expect((await server.publish('a', rotated.secretKey)).status).toBe(200);
    await server.json('instance', 'rotate-key', server.instanceId, '--overlap-seconds', '0');
    expect((await server.publish('a', rotated.secretKey)).status).toBe(401);
  });
});

describe('rotating the master key', () => {
  it('ends with everything under the new key, also when the server is killed; who asks to wait hears of the end', async () => {
    const [server, patient] = [await aServer(), await aServer()];
    const [before] = patient.keyring().keys;
    const waited = patient.json<{ keys: string[]; resealing: null }>('master-key', 'rotate', '--wait');
    const load = new AbortController();
    const running = server.publishUntil(load.signal);
    const [old] = server.keyring().keys;
    const status = await server.json<{ keys: string[] }>('master-key', 'rotate');
    expect(server.keyring().keys.map(({ id }) => id)).toContain(status.keys[0]);
    load.abort();
    await running;
    await server.kill();
    await server.start();
    expect((await server.publish('a')).status).toBe(200);
    await waitFor('the old key to be retired', () => server.keyring().keys.length === 1, 120_000);
    expect(server.keyring().keys[0]?.id).not.toBe(old?.id);
    expect(statSync(join(server.dataDir, 'master-keys.json')).mode & 0o777).toBe(0o600);
    const { stdout } = await server.command(['master-key', 'status']);
    expect(stdout).toContain(server.keyring().keys[0]?.id);
    await server.kill();
    expect(await sealedWith(server)).toEqual(new Set(server.keyring().keys.map(({ id }) => id)));
    await server.start();
    expect((await server.publish('a')).status).toBe(200);

    const { keys, resealing } = await waited;
    expect(resealing).toBeNull();
    expect(patient.keyring().keys.map(({ id }) => id)).toEqual(keys);
    expect(keys).not.toContain(before?.id);
    const { id } = patient.keyring().keys[0] as { id: string };
    await expect.poll(patient.log).toContain(`"master-key.rotated","keyId":"${id}","retired":["${before?.id}"]`);
  });
});

const subscriptionKeys = {
  p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
};

function userToken(instanceId: string, secretKey: string): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const issuer = `https://${instanceId}.pushnotifications.pusher.com`;
  const claims = { sub: 'anna', iss: issuer, exp: Math.floor(Date.now() / 1_000) + 600 };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secretKey).update(text).digest('base64url')}`;
}
