import { createECDH, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isIPv4 } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAddressGuard } from '../../src/egress/address-guard.ts';
import { createHttpClient } from '../../src/egress/http-client.ts';
import { createPushConnections } from '../../src/egress/push-connections.ts';
import type { PharosInside, RecordedNetwork } from '../support/pharos-in-recorded-network.ts';
import { openPharos, recordedNetwork } from '../support/pharos-in-recorded-network.ts';
import { canonicalAddress, edgeAddresses, placeOf, spelledAddresses } from '../support/special-purpose-addresses.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';

const addresses = [...new Set(spelledAddresses.map(({ address }) => address))];
/** Answers of name servers; a wildcard of the known push services covers the names. */
const carriersOfLoopback = addresses.filter((address) => /:7f(00|ff):/.test(address));
const names = new Map(
  [...edgeAddresses, ...carriersOfLoopback].map((address, index) => [`answer-${index}.push.apple.com`, address]),
);
const redirecting = 'redirecting.push.apple.com';
names.set(redirecting, '34.120.0.1');

const hosts = [...new Set([...spelledAddresses.map(({ host }) => host), ...names.keys()])];
const redirectTargets = hosts.map((host) => `http://${host}/elsewhere`);
const isPublic = (address: string): boolean => placeOf(address) === 'public';
const publicAddresses = addresses.filter(isPublic);

/** A public host that sends everybody on, each time to the next target. */
async function startRedirector(): Promise<{ readonly port: number; readonly sentTo: readonly string[] }> {
  const sentTo: string[] = [];
  const server = createServer((_request, response) => {
    const location = encodeURI(redirectTargets[sentTo.length % redirectTargets.length] ?? '');
    sentTo.push(location);
    response.writeHead(302, { location }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sentTo };
}

async function open(settings?: Record<string, string>) {
  const { port, sentTo } = await startRedirector();
  const network = recordedNetwork(port, names);
  const pharos = await openPharos(network, settings);
  onTestFinished(() => pharos.remove());
  return { network, pharos, sentTo, instance: await pharos.createInstance() };
}

/** Nothing but public addresses was dialled, and of those every one of `wanted`. */
function expectOnlyPublic(network: RecordedNetwork, wanted: readonly string[]): void {
  const dialled = [...new Set(network.dialled.map(canonicalAddress))];
  expect(dialled.filter((address) => placeOf(address) === 'inside')).toEqual([]);
  expect(wanted.filter((address) => !dialled.includes(address))).toEqual([]);
  // A name server must not be asked to make an address of a spelling.
  expect(network.unknownNames).toEqual([]);
}

const goodKeys = {
  p256dh: createECDH('prime256v1').generateKeys('base64url'),
  auth: randomBytes(16).toString('base64url'),
};
const subscriptionAt = (endpoint: string, change: object = {}): string =>
  Buffer.from(JSON.stringify({ endpoint, keys: { ...goodKeys, ...change } })).toString('base64');

/** Fewer than the push services that connections are kept to. */
const atATime = 150;
/** Some at a time, as many clients would. */
async function forEach<Item>(items: readonly Item[], run: (item: Item, index: number) => Promise<unknown>) {
  for (let first = 0; first < items.length; first += atATime)
    await Promise.all(items.slice(first, first + atATime).map((item, index) => run(item, first + index)));
}

const publish = async (
  pharos: PharosInside,
  instance: { readonly id: string; readonly secretKey: string },
  body: object,
): Promise<string> => {
  const kind = 'users' in body ? 'users' : 'interests';
  const path = `/publish_api/v1/instances/${instance.id}/publishes/${kind}`;
  const answer = await pharos.send('POST', path, { web: {}, ...body }, instance.secretKey);
  expect(answer.status, answer.body).toBe(200);
  return (JSON.parse(answer.body) as { publishId: string }).publishId;
};

const allAttempted = (pharos: PharosInside, messages: number) =>
  waitFor(
    'every message to be attempted',
    () => {
      const [row] = pharos.rows("SELECT count(*) AS count FROM messages WHERE state = 'exhausted'");
      return row?.['count'] === messages;
    },
    30_000,
  );

const errorsOf = (pharos: PharosInside): (string | null)[] =>
  pharos.rows('SELECT status, error FROM attempts').map(({ status, error }) => (status ? null : String(error)));

const notPublic = / is not at a public address: PHAROS_ALLOW_NETWORKS /;

test('there is something of everything', () => {
  const found = new Map(spelledAddresses.map(({ host, address, place }) => [host, `${address} ${place}`]));
  expect(found.get('0xa.0x0.0x0.0x0')).toBe('10.0.0.0 inside');
  expect(found.get('0177.0377.0377.0377')).toBe('127.255.255.255 inside');
  expect(found.get('[::ffff:169.254.0.0]')).toBe('::ffff:a9fe:0 inside');
  expect(found.get('[64:ff9b::11.0.0.0]')).toBe('64:ff9b::b00:0 inside');
  expect(found.get('184549376')).toBe('11.0.0.0 public');
  expect(found.get('[2001:db9::]')).toBe('2001:db9:: public');
  expect(found.size).toBeGreaterThan(1_500);
});

test('no browser is registered at such an endpoint or moves there, and nothing changes', async () => {
  const { network, pharos, instance } = await open();
  const devices = `/device_api/v1/instances/${instance.id}/devices/web`;
  const good = await pharos.send('POST', devices, { token: subscriptionAt(`https://${redirecting}/good`) });
  expect(good.status).toBe(200);
  const { id } = JSON.parse(good.body) as { id: string };
  const renewal = `/page_api/v1/instances/${instance.id}/devices/${id}/subscription`;
  const state = () => JSON.stringify(pharos.rows('SELECT * FROM devices'), (_, value) => value as unknown);
  const before = state();
  const literals = hosts.filter((host) => !names.has(host));
  const both = [
    ['POST', devices],
    ['PUT', renewal],
  ] as const;
  await forEach(literals, async (host, index) => {
    const scheme = index % 10 === 0 ? 'http' : 'https';
    for (const [method, path] of both) {
      const { status, body } = await pharos.send(method, path, { token: subscriptionAt(`${scheme}://${host}/x`) });
      expect([status, body], host).toEqual([
        422,
        expect.stringMatching(
          /`token\.endpoint`: endpoint (is not a URL|must use https|host \S+ is not an allowed push service)/,
        ),
      ]);
    }
  });
  const offCurve = createECDH('prime256v1').generateKeys();
  offCurve.writeUInt8(offCurve.readUInt8(64) ^ 1, 64);
  for (const change of [
    { p256dh: offCurve.toString('base64url') },
    { p256dh: offCurve.subarray(0, 64).toString('base64url') },
    { p256dh: createECDH('secp256k1').generateKeys('base64url') },
    { auth: randomBytes(15).toString('base64url') },
    { auth: randomBytes(17).toString('base64url') },
  ]) {
    for (const [method, path] of both) {
      const token = subscriptionAt(`https://${redirecting}/good`, change);
      const { status, body } = await pharos.send(method, path, { token });
      expect([status, body]).toEqual([422, expect.stringContaining(`\`token.keys.${Object.keys(change)[0]}\``)]);
    }
  }
  expect(state()).toBe(before);
  expect(network.dialled).toEqual([]);
});

test("publishes' webhooks reach public addresses only", async () => {
  const { network, pharos, sentTo } = await open();
  // An instance's `webhookUrl`s are one target, which gets little when most of them fail.
  const perInstance = 40;
  for (let first = 0; first < hosts.length; first += perInstance) {
    const instance = await pharos.createInstance();
    await forEach(hosts.slice(first, first + perInstance), (host) =>
      publish(pharos, instance, { interests: ['none'], webhookUrl: `http://${host}/hook` }),
    );
  }
  await allAttempted(pharos, 2 * hosts.length); // STARTED and FINISHED
  expectOnlyPublic(network, publicAddresses);
  const errors = errorsOf(pharos);
  expect(errors.filter((error) => error !== null && !notPublic.test(error))).toEqual([]);
  expect(errors.filter((error) => error === null)).toHaveLength(sentTo.length);
});

test("instances' webhooks reach public addresses only, made or changed to others", async () => {
  const { network, pharos, sentTo } = await open();
  const events = ['v1.PublishToUsersAttempt'];
  // The server keeps connections to 500 hosts at a time.
  const perInstance = 450;
  for (let first = 0; first < hosts.length; first += perInstance) {
    const instance = await pharos.createInstance();
    const webhooks = `/instances/${instance.id}/webhooks`;
    const some = hosts.slice(first, first + perInstance);
    await forEach(some, async (host, index) => {
      const url = `http://${host}/hook`;
      if (index % 2 === 0) return pharos.admin('POST', webhooks, { url, events });
      const { id } = await pharos.admin('POST', webhooks, { url: 'https://backend.example/', events });
      return pharos.admin('PATCH', `${webhooks}/${String(id)}`, { url });
    });
    await publish(pharos, instance, { users: ['nobody'] });
    await allAttempted(pharos, first + some.length);
  }
  expectOnlyPublic(network, publicAddresses);
  const errors = errorsOf(pharos);
  expect(errors.filter((error) => error !== null && !notPublic.test(error))).toEqual([]);
  expect(errors.filter((error) => error === null)).toHaveLength(sentTo.length);
});

test('pushes reach public addresses only, even when the operator names such hosts as push services', async () => {
  // Settings take no IPv6 address for a push service; name servers do answer with them.
  const literals = addresses.filter((address) => isIPv4(address));
  const { network, pharos, instance } = await open({ PHAROS_PUSH_ENDPOINT_HOSTS: literals.join(',') });
  const devices = `/device_api/v1/instances/${instance.id}/devices/web`;
  const used = hosts.filter((host) => names.has(host) || literals.includes(new URL(`https://${host}`).hostname));
  await forEach(used, async (host) => {
    // What a browser would make of it: `btoa` takes no other digits.
    const { href } = new URL(`https://${host}/${used.indexOf(host)}`);
    const { status, body } = await pharos.send('POST', devices, { token: subscriptionAt(href) });
    expect(status, `${host}: ${body}`).toBe(200);
    const { id } = JSON.parse(body) as { id: string };
    expect((await pharos.send('POST', `${devices}/${id}/interests/all`)).status).toBe(200);
  });
  const publishId = await publish(pharos, instance, { interests: ['all'] });
  const path = `/instances/${instance.id}/publishes/${publishId}`;
  const inside = used.filter((host) => placeOf(names.get(host) ?? new URL(`https://${host}`).hostname) === 'inside');
  await waitFor(
    'every device to be tried',
    async () => {
      const { counts } = await pharos.admin('GET', path);
      const rejected = (counts as { web?: { rejected: number } }).web?.rejected ?? 0;
      return rejected >= inside.length && publicAddresses.every((address) => network.dialled.includes(address));
    },
    30_000,
  );
  await pharos.stop();
  expectOnlyPublic(network, publicAddresses);
});

test('connections to push services judge every spelling by themselves', async () => {
  const { port } = await startRedirector();
  const network = recordedNetwork(port, names);
  const connections = createPushConnections({ network, guard: createAddressGuard() });
  onTestFinished(() => connections.close());
  const request = { path: '/push', headers: {}, body: Buffer.from('x'), timeoutMs: 10_000 };
  await forEach(hosts, async (host) => {
    const { origin, hostname } = new URL(`https://${host}`);
    const response = await connections.request({ ...request, origin });
    const place = placeOf(names.get(host) ?? hostname.replaceAll(/[[\]]/g, ''));
    // Of the addresses in between, either may be said.
    const reason: unknown = { inside: 'refused', public: 'connection', either: expect.any(String) }[place];
    expect(response, host).toMatchObject({ kind: 'error', reason });
  });
  expectOnlyPublic(network, publicAddresses);
});

test('webhooks follow no redirect', async () => {
  const { port, sentTo } = await startRedirector();
  const network = recordedNetwork(port, names);
  const guard = createAddressGuard();
  const client = createHttpClient({ network, guard, allowHttp: true, maxConnectionsPerOrigin: atATime });
  onTestFinished(() => client.close());
  const request = { url: new URL(`http://${redirecting}/hook`), headers: {}, body: 'x' };
  await forEach(redirectTargets, async () => {
    expect(await client.post({ ...request, timeoutMs: 10_000 })).toMatchObject({ kind: 'response', status: 302 });
  });
  expect(sentTo).toHaveLength(redirectTargets.length);
  expect(new Set(network.dialled)).toEqual(new Set([names.get(redirecting)]));
});

test('pushes follow no redirect', async () => {
  const authority = createTestAuthority();
  let sent = 0;
  const redirect = () => ({ status: 302, headers: { location: encodeURI(redirectTargets[sent++] ?? '') } });
  const front = await startTlsFront(authority, { [redirecting]: redirect });
  onTestFinished(() => front.close());
  const network = recordedNetwork(front.port, names);
  const connections = createPushConnections({ network, guard: createAddressGuard(), ca: authority.certificate });
  onTestFinished(() => connections.close());
  const request = { origin: `https://${redirecting}`, path: '/push', headers: {}, body: Buffer.from('x') };
  await forEach(redirectTargets, async () => {
    expect(await connections.request({ ...request, timeoutMs: 10_000 })).toMatchObject({ status: 302 });
  });
  expect(sent).toBe(redirectTargets.length);
  expect(new Set(network.dialled)).toEqual(new Set([names.get(redirecting)]));
});
