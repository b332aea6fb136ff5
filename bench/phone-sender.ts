/** What `gateways.ts` measures, in a process that trusts the receiver. Arguments: the receiver's port, then flags. */
import apn from '@parse/node-apn';
import { ApnsClient, Notification } from 'apns2';
import { cert, initializeApp } from 'firebase-admin/app';
import { getMessaging } from 'firebase-admin/messaging';
import { generateKeyPairSync } from 'node:crypto';
import http2 from 'node:http2';
import https from 'node:https';
import { connect as connectTls } from 'node:tls';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import type { GatewayDevice } from '../src/core/ports/gateway.ts';
import { createAddressGuard } from '../src/egress/address-guard.ts';
import type { Network } from '../src/egress/network.ts';
import { createPushConnections } from '../src/egress/push-connections.ts';
import { createApnsGateway } from '../src/gateways/apns/gateway.ts';
import { createAccessTokens } from '../src/gateways/fcm/access-tokens.ts';
import { createFcmGateway } from '../src/gateways/fcm/gateway.ts';
import { median } from './median.ts';
import { printResults } from './print-results.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '7' }, count: { type: 'string', default: '3000' } },
});
const port = Number(positionals[0]);
const rounds = Number(values.rounds);
const count = Number(values.count);
/** Requests in flight, the same for everybody who lets it be set. */
const window = 500;
const pageSize = 100;
const topic = 'com.example.shop';

const network: Network = {
  resolve: async () => ['34.120.0.1'],
  dial: () => connect({ host: '127.0.0.1', port, noDelay: true }),
};
const quiet = { info() {}, warn() {}, error: console.error };
const sending = { windowPerOrigin: window, deadlineMs: 30_000, clock: Date.now, log: quiet };
const guard = createAddressGuard();
const publish = { instanceId: crypto.randomUUID(), publishId: '01890000-0000-7000-8000-000000000000' };

const devicesOf = (platform: 'fcm' | 'apns'): readonly GatewayDevice[] =>
  Array.from({ length: count }, (_, index) => ({
    platform,
    address: index.toString(16).padStart(platform === 'apns' ? 64 : 140, 'a'),
    keys: new Uint8Array(0),
    bundleIdentifier: topic,
    registeredAt: 0,
  }));
const phones = { fcm: devicesOf('fcm'), apns: devicesOf('apns') };

/** As fan-out does: pages of a hundred, two of them under way. */
async function inPages(
  devices: readonly GatewayDevice[],
  send: (page: readonly GatewayDevice[]) => readonly Promise<{ readonly kind: string }>[],
): Promise<void> {
  const underWay: Promise<unknown>[] = [];
  for (let start = 0; start < devices.length; start += pageSize) {
    const outcomes = send(devices.slice(start, start + pageSize));
    underWay.push(
      Promise.all(outcomes).then((all) => {
        if (all.some(({ kind }) => kind !== 'accepted')) throw new Error(`not accepted: ${JSON.stringify(all[0])}`);
      }),
    );
    if (underWay.length >= window / pageSize) await underWay.shift();
  }
  await Promise.all(underWay);
}

/** Some work for each device, `window` at a time. */
async function inWindow(devices: readonly GatewayDevice[], send: (device: GatewayDevice) => Promise<unknown>) {
  const rest = devices.values();
  const worker = async (): Promise<void> => {
    for (const device of rest) await send(device);
  };
  await Promise.all(Array.from({ length: window }, worker));
}

const session = http2.connect('https://localhost', {
  createConnection: () => connectTls({ host: '127.0.0.1', port, servername: 'localhost', ALPNProtocols: ['h2'] }),
});
const bare = (path: string, headers: Readonly<Record<string, string>>, body: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
    stream.on('error', reject);
    stream.resume();
    stream.on('end', resolve);
    stream.end(body);
  });

const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const apnsKey = { keyId: 'ABC123DEFG', teamId: 'DEF123GHIJ', privateKey: ecKey };
const alert = { title: 'Pharos', body: 'x'.repeat(120) };

const apns = createApnsGateway({
  ...sending,
  openConnections: () => createPushConnections({ network, guard }),
});
const apnsSender = { environment: 'production', bundleIdentifier: topic, kind: 'token', ...apnsKey } as const;
const apnsContent = { timeToLiveSeconds: 3600, payload: { aps: { alert } }, tracksDelivery: true };
const provider = new apn.Provider({
  address: 'localhost',
  port,
  production: false,
  requestTimeout: 30_000,
  token: { key: Buffer.from(ecKey), keyId: apnsKey.keyId, teamId: apnsKey.teamId },
});
const apns2 = new ApnsClient({
  host: 'localhost',
  team: apnsKey.teamId,
  keyId: apnsKey.keyId,
  signingKey: ecKey,
  defaultTopic: topic,
});
// It knows no port but 443: its pool is made again, as it makes it.
Object.assign(apns2, {
  client: new Pool(`https://localhost:${port}`, {
    connections: 32,
    pipelining: 1,
    allowH2: true,
    maxConcurrentStreams: 100,
  }),
});

const fcm = createFcmGateway({ ...sending, connections: createPushConnections({ network, guard }) });
const clientEmail = 'bench@bench-12345.iam.gserviceaccount.com';
const fcmSender = { projectId: 'bench-12345', clientEmail, privateKey: rsaKey, privateKeyId: null };
const fcmContent = {
  timeToLiveSeconds: 3600,
  message: { notification: alert, android: { priority: 'HIGH' } },
  hasDisplayableContent: true,
  hasData: false,
};
class Agent extends https.Agent {
  override createConnection(options: { readonly host?: string }) {
    return connectTls({ host: '127.0.0.1', port, servername: options.host ?? '' });
  }
}
const httpAgent = new Agent({ keepAlive: true, maxSockets: window });
https.globalAgent = httpAgent;
const account = { projectId: 'bench-12345', clientEmail, privateKey: rsaKey };
const messaging = getMessaging(initializeApp({ credential: cert(account, httpAgent), httpAgent }));
const bareMessage = (token: string): string =>
  JSON.stringify({ message: { token, ...fcmContent.message, data: { pusher: 'x'.repeat(160) } } });

const tokens = createAccessTokens({ connections: createPushConnections({ network, guard }), clock: Date.now });
/** Each for credentials that nobody has asked for yet. */
const accessTokens = async (ask: () => Promise<unknown>): Promise<void> => {
  for (let token = 0; token < count / 10; token++) await ask();
};

const candidates: Readonly<Record<'APNs' | 'FCM' | 'OAuth', Readonly<Record<string, () => Promise<unknown>>>>> = {
  APNs: {
    pharos: () =>
      inPages(phones.apns, (devices) =>
        apns.deliver({ ...publish, sender: apnsSender, content: apnsContent, timeToLiveSeconds: 3600, devices }),
      ),
    'bare node:http2': () =>
      inWindow(phones.apns, ({ address }) =>
        bare(
          `/3/device/${address}`,
          { 'apns-topic': topic },
          JSON.stringify({ aps: { alert }, data: 'x'.repeat(120) }),
        ),
      ),
    '@parse/node-apn': async () => {
      const note = new apn.Notification({ alert, topic });
      const tokens = phones.apns.map(({ address }) => address);
      for (let start = 0; start < tokens.length; start += window) {
        const { failed } = await provider.send(note, tokens.slice(start, start + window));
        if (failed.length > 0) throw new Error(JSON.stringify(failed[0]));
      }
    },
    apns2: () => inWindow(phones.apns, ({ address }) => apns2.send(new Notification(address, { alert }))),
  },
  FCM: {
    pharos: () =>
      inPages(phones.fcm, (devices) =>
        fcm.deliver({ ...publish, sender: fcmSender, content: fcmContent, timeToLiveSeconds: 3600, devices }),
      ),
    'bare node:http2': () =>
      inWindow(phones.fcm, ({ address }) => bare('/v1/projects/bench-12345/messages:send', {}, bareMessage(address))),
    'firebase-admin send': () =>
      inWindow(phones.fcm, ({ address }) =>
        messaging.send({ token: address, notification: alert, data: { pusher: 'x'.repeat(160) } }),
      ),
  },
  OAuth: {
    pharos: () => accessTokens(() => tokens.get({ ...fcmSender }, 30_000)),
    'google-auth-library': () =>
      accessTokens(() => cert({ ...account, clientEmail: crypto.randomUUID() }, httpAgent).getAccessToken()),
  },
};

interface Round {
  readonly wallMs: number;
  readonly cpuMs: number;
}
async function time(run: () => Promise<unknown>): Promise<Round> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await run();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
}

const results = [];
for (const [service, runs] of Object.entries(candidates)) {
  const measured = new Map(Object.keys(runs).map((name): [string, Round[]] => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of Object.entries(runs)) {
      const result = await time(run);
      // The first round makes connections and tokens.
      if (round >= 0) measured.get(name)?.push(result);
    }
  }
  const ours = measured.get('pharos') ?? [];
  for (const [name, theirs] of measured) {
    if (name === 'pharos') continue;
    const ratio = (key: keyof Round): string =>
      median(theirs.map((round, index) => round[key] / (ours[index] as Round)[key])).toFixed(2);
    results.push({
      what: service === 'OAuth' ? 'OAuth: access tokens per second' : `${service}: notifications per second`,
      against: name,
      ratio: ratio('wallMs'),
      goal: '',
      'per cpu second': ratio('cpuMs'),
      'ours per second': Math.round(
        ((service === 'OAuth' ? count / 10 : count) * 1000) / median(ours.map(({ wallMs }) => wallMs)),
      ),
    });
  }
}
printResults(
  `Node ${process.versions.node}, medians of ${rounds} alternating rounds of ${count} notifications, ${window} in flight`,
  results,
);
process.exit();
