import { createECDH, createHmac, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import * as http from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isUuid } from '../../src/protocol/ids.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { viewDatabase } from '../faults/database-view.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { waitFor } from '../support/wait-for.ts';

/** What must never be printed. */
const secrets = {
  webhookSecret: `hush-webhook-${randomBytes(8).toString('hex')}`,
  urlPassword: `hush-password-${randomBytes(8).toString('hex')}`,
  title: `hush-title-${randomBytes(8).toString('hex')}`,
  endpoint: `hush-endpoint-${randomBytes(8).toString('hex')}`,
};

let pharos: PharosProcess;
let instance: { readonly id: string; readonly secretKey: string };
/** Something on the inside that nobody may reach. */
const inside = createServer((socket) => {
  connections += 1;
  socket.destroy();
});
let connections = 0;
let insidePort = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
  insidePort = (inside.address() as AddressInfo).port;
  const settings = { PHAROS_ALLOW_HTTP_WEBHOOKS: 'true' };
  pharos = await startPharosProcess({ authority: createTestAuthority(), settings });
  instance = (await pharos.admin('POST', '/instances', { name: 'hostile' })) as typeof instance;
});
afterAll(async () => {
  inside.close();
  await pharos.remove();
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 500 });
const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const options = { agent, host: '127.0.0.1', port: pharos.port, method, path, headers: { ...type, ...headers } };
    const request = http.request(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    request.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });

const publish = async (target: object, more: object = {}, { id, secretKey } = instance): Promise<string> => {
  const path = `/publish_api/v1/instances/${id}/publishes/${'users' in target ? 'users' : 'interests'}`;
  const body = { ...target, web: { notification: { title: secrets.title } }, ...more };
  const answer = await send('POST', path, body, { authorization: `Bearer ${secretKey}` });
  expect(answer.status, answer.body).toBe(200);
  return (JSON.parse(answer.body) as { publishId: string }).publishId;
};

const subscriptionAt = (endpoint: string, change: object = {}): string => {
  const keys = {
    p256dh: createECDH('prime256v1').generateKeys('base64url'),
    auth: randomBytes(16).toString('base64url'),
  };
  return Buffer.from(JSON.stringify({ endpoint, keys: { ...keys, ...change } })).toString('base64');
};
const register = (endpoint: string, change: object = {}): Promise<Answer> =>
  send('POST', `/device_api/v1/instances/${instance.id}/devices/web`, { token: subscriptionAt(endpoint, change) });

/** The same few places in every spelling that a URL parser or a resolver takes. */
const hostsInside = [
  '127.0.0.1',
  '127.1',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '2130706433',
  '0.0.0.0',
  '10.0.0.1',
  '169.254.169.254',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[2002:7f00:1::1]',
  '[fe80::1]',
  '[fd00::1]',
  'localhost',
  'LOCALHOST',
];

test('no webhook reaches the inside, however it is spelled, from publishes and from the configuration', async () => {
  for (const host of hostsInside) {
    const url = `http://u:${secrets.urlPassword}@${host}:${insidePort}/hook`;
    // One each: after some failures an instance's next messages would wait.
    const customer = (await pharos.admin('POST', '/instances', { name: host })) as typeof instance;
    const webhook = { url, events: ['v1.PublishToUsersAttempt'], secret: secrets.webhookSecret };
    await pharos.admin('POST', `/instances/${customer.id}/webhooks`, webhook);
    await publish({ users: ['nobody'] }, {}, customer);
    await publish({ interests: ['nothing'] }, { webhookUrl: url }, customer);
    const messages = await waitFor('every message to be attempted', async () => {
      const page = await pharos.admin('GET', `/instances/${customer.id}/messages`);
      const all = page['messages'] as { id: string; attempts: number }[];
      return all.length === 3 && all.every(({ attempts }) => attempts > 0) && all;
    });
    for (const { id } of messages) {
      const { attempts } = await pharos.admin('GET', `/instances/${customer.id}/messages/${id}/attempts`);
      expect(attempts).toMatchObject([{ status: null, error: expect.stringContaining('not at a public address') }]);
    }
  }
  expect(connections).toBe(0);
});

test('no device is registered with an endpoint on the inside', async () => {
  for (const host of hostsInside) {
    for (const endpoint of [
      `https://${host}/${secrets.endpoint}`,
      `https://${host}:${insidePort}/`,
      `http://${host}/`,
    ]) {
      const { status, body } = await register(endpoint);
      expect([status, body]).toEqual([422, expect.stringMatching(/`token\.endpoint`: endpoint /)]);
      expect(body).not.toContain(secrets.endpoint);
    }
  }
  expect(connections).toBe(0);
});

test('subscriptions with broken keys say which, and change nothing', async () => {
  const good = createECDH('prime256v1').generateKeys();
  const offCurve = Buffer.from(good);
  offCurve.writeUInt8(offCurve.readUInt8(64) ^ 1, 64);
  const broken: readonly [string, object][] = [
    ['p256dh', { p256dh: offCurve.toString('base64url') }],
    ['p256dh', { p256dh: good.subarray(0, 64).toString('base64url') }],
    ['p256dh', { p256dh: Buffer.alloc(65).toString('base64url') }],
    ['p256dh', { p256dh: createECDH('secp256k1').generateKeys('base64url') }],
    ['auth', { auth: randomBytes(15).toString('base64url') }],
    ['auth', { auth: randomBytes(17).toString('base64url') }],
  ];
  for (const [part, change] of broken) {
    const { status, body } = await register(`https://fcm.googleapis.com/fcm/send/${secrets.endpoint}`, change);
    expect([status, body]).toEqual([422, expect.stringContaining(`\`token.keys.${part}\``)]);
  }
});

/** Writes raw bytes and reads until the server closes. */
const exchange = (...writes: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(pharos.port, '127.0.0.1', () => writes.forEach((bytes) => socket.write(bytes)));
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });

const reports = () => `/reporting_api/v2/instances/${instance.id}/events`;
const post = (headers: string, body = ''): string =>
  `POST ${reports()} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${headers}\r\n${body}`;

test('what is too much, too slow or two things at once is refused, and the server goes on', async () => {
  const slow = [exchange('GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: '), exchange('')];
  const many = Array.from({ length: 150 }, (_, index) => `X-${index}: 1\r\n`).join('');
  expect(await exchange(post(`Connection: close\r\n${many}`))).toMatch(/^HTTP\/1\.1 431 .*100 header fields/s);
  expect(await exchange(post('Content-Length: 99999999\r\n'))).toMatch(/^HTTP\/1\.1 400 .*too large/s);
  const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
  expect(await exchange(post('Transfer-Encoding: chunked\r\n', chunk + chunk))).toMatch(/^HTTP\/1\.1 400 .*too large/s);
  const both = 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n';
  expect(await exchange(post(both, '0\r\n\r\n'))).toMatch(/^HTTP\/1\.1 400 /);
  const deep = '['.repeat(1000) + ']'.repeat(1000);
  const nested = `{"event":${deep}}`;
  expect(await exchange(post(`Connection: close\r\nContent-Length: ${nested.length}\r\n`, nested))).toMatch(
    /^HTTP\/1\.1 400 .*JSON object/s,
  );
  const get = 'GET /healthz HTTP/1.1\r\nHost: a\r\n';
  const pipelined = await exchange(`${get}\r\n${get}\r\n${get}Connection: close\r\n\r\n`);
  expect(pipelined.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  const path = `GET /${'x'.repeat(5000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
  expect(await exchange(path)).toMatch(/^HTTP\/1\.1 400 .*4096 characters/s);
  expect((await send('GET', '/readyz')).status).toBe(200);
  const [loris] = await Promise.all(slow);
  expect(loris).toMatch(/^HTTP\/1\.1 408 /);
});

test('reports of what nobody knows are answered 200, and counted where the operator sees it', async () => {
  const publishId = 'pubid-01930000-0000-7000-8000-000000000000';
  const report = { event: 'open', publishId, deviceId: 'web-11111111-1111-4111-8111-111111111111', timestampSecs: 1 };
  expect((await send('POST', reports(), report)).status).toBe(200);
  expect((await send('POST', reports(), { ...report, deviceId: '../../etc' })).status).toBe(200);
  const { ignoredReports } = await pharos.admin('GET', `/instances/${instance.id}/ignored-reports`);
  const day = expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as string;
  expect(ignoredReports).toEqual([
    { day, reason: 'unknown-device', count: 1 },
    { day, reason: 'unknown-publish', count: 1 },
  ]);
});

test('secrets are in no answer to strangers, no log and no process argument', async () => {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claims = { sub: 'anna', iss: `https://${instance.id}.pushnotifications.pusher.com`, exp: 4_102_444_800 };
  const signed = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
  const signature = createHmac('sha256', instance.secretKey).update(signed).digest('base64url');
  const userToken = `${signed}.${signature}`;
  const { id } = JSON.parse((await register(`https://fcm.googleapis.com/x/${secrets.endpoint}`)).body) as {
    id: string;
  };
  const user = `/device_api/v1/instances/${instance.id}/devices/web/${id}/user`;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  expect((await send('PUT', user, undefined, bearer(userToken))).status).toBe(200);
  const publishId = await publish({ users: ['anna'] });
  const report = { event: 'open', publishId, deviceId: id, timestampSecs: 1, userId: 'anna' };
  expect((await send('POST', reports(), report)).status).toBe(200);
  const answers = [
    await send('PUT', user, undefined, bearer(`${userToken}x`)),
    await send(
      'POST',
      `/publish_api/v1/instances/${instance.id}/publishes`,
      { invalid: secrets.title },
      bearer('wrong'),
    ),
    await send('GET', '/admin/v1/instances', undefined, bearer(instance.secretKey)),
    await send('GET', `/nothing/${instance.secretKey}`),
    await send('POST', '/%zz', { key: instance.secretKey }, bearer(instance.secretKey)),
  ];
  const keyFiles = readdirSync(pharos.dataDir)
    .map((name) => join(pharos.dataDir, name))
    .filter((file) => statSync(file).isFile() && statSync(file).size < 4096 && !/\.db|lock/.test(file));
  expect(keyFiles.length).toBeGreaterThan(1);
  const kept = keyFiles
    .flatMap((file) => readFileSync(file, 'utf8').match(/[\w+/=-]{30,}/g) ?? [])
    .filter((text) => !isUuid(text));
  // Lines of the log are written together, some time after what they tell of.
  await waitFor('the report in the log', () => pharos.output().includes('"report.recorded"'));
  const texts = {
    output: pharos.output(),
    arguments: readFileSync(`/proc/${pharos.pid()}/cmdline`, 'utf8'),
    answers: answers.map(({ body }) => body).join('\n'),
  };
  for (const secret of [...Object.values(secrets), instance.secretKey, userToken, signature, ...kept]) {
    for (const [where, text] of Object.entries(texts))
      expect(text.includes(secret), `${secret} in ${where}`).toBe(false);
  }
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 404, 400]);
});

test('5,000 reports at once all count', async () => {
  const endpoint = (index: number) => `https://fcm.googleapis.com/fcm/send/${secrets.endpoint}-${index}`;
  const registered = await Promise.all(Array.from({ length: 100 }, (_, index) => register(endpoint(index))));
  const devices = registered.map(({ body }) => (JSON.parse(body) as { id: string }).id);
  const publishes: string[] = [];
  for (let count = 0; count < 50; count++) publishes.push(await publish({ interests: ['news'] }));
  const answers = await Promise.all(
    publishes.flatMap((publishId) =>
      devices.map((deviceId) => send('POST', reports(), { event: 'delivery', publishId, deviceId, timestampSecs: 1 })),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await pharos.stop();
  const stored = await viewDatabase(pharos);
  const [counted] = await stored.all("SELECT count(*) AS count FROM reports WHERE kind = 'delivery'");
  expect(Number(counted?.['count'])).toBe(5000);
  await stored.close();
});
