import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { generateKeyring } from '../../src/sealing/keyring.ts';
import type { DatabaseOfRun } from '../support/database-of-run.ts';
import { openDatabaseOfRun } from '../support/database-of-run.ts';
import { withClient } from '../support/postgres-client.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { waitFor } from '../support/wait-for.ts';
import type { PharosCommand } from './serve-process.ts';
import { listeningOn, runPharos } from './serve-process.ts';

const authority = createTestAuthority();
const { key, cert } = authority.issue(['localhost']);

let folder: string;
let database: DatabaseOfRun;
let occupied: Server;
let takenPort: string;
const started: PharosCommand[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pharos-start-'));
  database = await openDatabaseOfRun();
  writeFileSync(join(folder, 'key.pem'), key);
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'other-key.pem'), authority.issue(['localhost']).key);
  writeFileSync(join(folder, 'text'), 'this is no PEM file');
  occupied = createServer().listen(0, '127.0.0.1');
  await once(occupied, 'listening');
  takenPort = String((occupied.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  await database.drop();
  occupied.close();
  rmSync(folder, { recursive: true });
});

function serve(env: Record<string, string> = {}, stored = database.settings): PharosCommand {
  const server = runPharos(folder, ['serve'], { PHAROS_PORT: '0', ...stored, ...env });
  started.push(server);
  return server;
}

async function failedStart(env: Record<string, string>, stored = database.settings) {
  const server = serve(env, stored);
  return { code: await server.ended, stderr: server.stderr() };
}

/** One sentence with all these words, without a stack. */
const problem = (code: number, ...words: string[]) => ({
  code,
  stderr: expect.stringMatching(new RegExp(`^pharos: ${words.map((word) => `(?=.*${word})`).join('')}.*\\n$`)),
});

async function greetingOf(server: PharosCommand): Promise<string> {
  await listeningOn(server);
  return waitFor('the greeting', () => server.stderr().includes('webhook create') && server.stderr());
}

const wholeGreeting = expect.stringMatching(/master-keys\.json[^]*admin-token[^]*first-instance\.json.*delete/);

const tls = (certFile: string, keyFile: string) => ({
  PHAROS_TLS_PORT: '0',
  PHAROS_TLS_CERT_FILE: certFile,
  PHAROS_TLS_KEY_FILE: keyFile,
});

it('a port that is taken: says which setting, and greets at the next start', async () => {
  expect(await failedStart({ PHAROS_PORT: takenPort })).toEqual(problem(1, 'EADDRINUSE', takenPort, 'PHAROS_PORT'));
  expect(await failedStart({ ...tls('cert.pem', 'key.pem'), PHAROS_TLS_PORT: takenPort })).toEqual(
    problem(1, 'PHAROS_TLS_PORT'),
  );
  expect(await greetingOf(serve())).toEqual(wholeGreeting);
});

it('an address that is not of this machine', async () => {
  expect(await failedStart({ PHAROS_HOST: '192.0.2.1' })).toEqual(problem(1, '192.0.2.1', 'PHAROS_HOST'));
  expect(await failedStart({ ...tls('cert.pem', 'key.pem'), PHAROS_TLS_HOST: '192.0.2.1' })).toEqual(
    problem(1, '192.0.2.1', 'PHAROS_TLS_HOST'),
  );
});

it('files for TLS that are wrong: says which, before anything is made', async () => {
  expect(await failedStart(tls('missing.pem', 'key.pem'))).toEqual(
    problem(2, 'PHAROS_TLS_CERT_FILE', 'missing.pem', 'ENOENT'),
  );
  expect(await failedStart(tls('cert.pem', 'missing.pem'))).toEqual(
    problem(2, 'PHAROS_TLS_KEY_FILE', 'missing.pem', 'ENOENT'),
  );
  expect(await failedStart(tls('text', 'key.pem'))).toEqual(problem(2, 'PHAROS_TLS_CERT_FILE', 'text'));
  expect(await failedStart(tls('cert.pem', 'text'))).toEqual(problem(2, 'PHAROS_TLS_KEY_FILE', 'text'));
  expect(await failedStart(tls('cert.pem', 'other-key.pem'))).toEqual(
    problem(2, 'PHAROS_TLS_KEY_FILE', 'PHAROS_TLS_CERT_FILE', 'belong'),
  );
  expect(readdirSync(folder)).not.toContain('pharos-data');
  expect(await greetingOf(serve())).toEqual(wholeGreeting);
});

it('a data folder that cannot be one', async () => {
  expect(await failedStart({ PHAROS_DATA_DIR: 'text' })).toEqual(problem(2, 'PHAROS_DATA_DIR', 'text', 'file'));
  expect(await failedStart({ PHAROS_DATA_DIR: 'text/inside' })).toEqual(problem(2, 'PHAROS_DATA_DIR', 'text/inside'));
  // Not even root can make files there.
  expect(await failedStart({ PHAROS_DATA_DIR: '/proc' })).toEqual(problem(1, '/proc', 'writ'));
  const holder = serve({ PHAROS_DATA_DIR: 'taken' });
  await listeningOn(holder);
  expect(await failedStart({ PHAROS_DATA_DIR: 'taken' })).toEqual(
    problem(1, 'taken is in use', `process ${holder.child.pid}`, 'PHAROS_DATA_DIR'),
  );
  expect(await failedStart({ PHAROS_ADMIN_TOKEN_FILE: 'nowhere/token' })).toEqual(
    problem(1, 'nowhere/token', 'ENOENT'),
  );
});

it("a keyring that is another database's", async () => {
  const server = serve();
  await listeningOn(server);
  server.child.kill('SIGTERM');
  await server.ended;
  const file = join(folder, 'pharos-data', 'master-keys.json');
  const keyring = readFileSync(file);
  writeFileSync(file, generateKeyring());
  expect(await failedStart({})).toEqual(
    problem(1, 'other master keys', 'has no key [0-9a-f]{8}', 'pharos-data/master-keys.json'),
  );
  writeFileSync(file, keyring);
  await listeningOn(serve());
});

it('a database that does not answer', async () => {
  const url = `postgres://somebody:hush@127.0.0.1:${takenPort}/pharos`;
  occupied.on('connection', (socket) => socket.destroy());
  const { code, stderr } = await failedStart({ PHAROS_DATABASE_URL: url });
  expect({ code, stderr }).toEqual(problem(1, 'does not answer', 'PHAROS_DATABASE_URL'));
  expect(stderr).not.toContain('hush');
});

it('a PostgreSQL database of a newer version', async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const settings = { PHAROS_DATABASE_URL: url };
  const server = serve(settings);
  await listeningOn(server);
  server.child.kill('SIGTERM');
  await server.ended;
  await withClient(url, (client) =>
    client.query("INSERT INTO migrations (number, file, applied_at, oldest_code) VALUES (9999, '9999-x.sql', 0, 9999)"),
  );
  expect(await failedStart(settings)).toEqual(problem(1, 'migration 9999', 'restore a backup'));
});

it('a database file of a newer version, or a damaged one', async () => {
  const server = serve({}, {});
  await listeningOn(server);
  server.child.kill('SIGTERM');
  await server.ended;
  const file = join(folder, 'pharos-data', 'pharos.db');
  const database = new DatabaseSync(file);
  database.exec("INSERT INTO migrations (number, file, applied_at) VALUES (9999, '9999-x.sql', 0)");
  database.close();
  expect(await failedStart({}, {})).toEqual(problem(1, 'pharos.db', 'migration 9999', 'restore a backup'));
  truncateSync(file, 5000);
  expect(await failedStart({}, {})).toEqual(problem(1, 'pharos.db', 'damaged', 'restore'));
  writeFileSync(file, 'x'.repeat(10_000));
  expect(await failedStart({}, {})).toEqual(problem(1, 'pharos.db', 'damaged', 'restore'));
  rmSync(file);
  mkdirSync(file);
  expect(await failedStart({}, {})).toEqual(problem(1, 'pharos.db', 'cannot be opened'));
});
