import { randomBytes, randomUUID } from 'node:crypto';
import { startChromiumPushConnection } from './chromium-push-connection.ts';
import type { Answer, ReceivedRequest } from './http-handler.ts';
import { startHttpServer } from './http-server.ts';
import { bytes, decode, fixed64, integer } from './protobuf.ts';
import type { AcceptedPush, PushService } from './push-service.ts';
import { maxPushBytes } from './push-service.ts';
import type { TestAuthority } from './test-authority.ts';
import { publicKeyHash } from './test-authority.ts';
import { vapidFault } from './verify-vapid.ts';

// Debian's Chromium hands out jmt17.google.com, Google Chrome fcm.googleapis.com.
const hosts = ['fcm.googleapis.com', 'jmt17.google.com'];

export interface ChromiumPushService extends PushService {
  /** Switches that lead Chromium to this service. */
  readonly chromiumArgs: readonly string[];
}

interface Registration {
  readonly app: string;
  readonly subtype: string;
  /** The subscription's VAPID key. */
  readonly sender: string;
  readonly device: string;
}

/** Google's push service as Chromium sees it: check-in, registration, the push connection, and the senders' side. */
export async function startChromiumPushService(authority: TestAuthority): Promise<ChromiumPushService> {
  const registrations = new Map<string, Registration>();
  const gone = new Set<string>();
  const accepted: AcceptedPush[] = [];
  const certificate = authority.issue(['localhost']);
  const connection = await startChromiumPushConnection(certificate);

  function accept({ method, path, headers, body }: ReceivedRequest): Answer {
    const token = decodeURIComponent(/^\/(?:fcm\/send|wp)\/([\w:%-]+)$/.exec(path)?.[1] ?? '');
    if (method !== 'POST') return { status: 405 };
    if (gone.has(token)) return { status: 410, body: 'push subscription has unsubscribed or expired.\n' };
    const registration = registrations.get(token);
    if (!registration) return { status: 404 };
    if (!/^\d+$/.test(headers['ttl']?.toString() ?? '')) return { status: 400, body: 'TTL\n' };
    if (body.length > maxPushBytes) return { status: 413 };
    const audiences = hosts.map((host) => `https://${host}`);
    const fault = vapidFault(headers.authorization, { audiences, key: registration.sender });
    if (fault) return { status: 403, body: fault };
    accepted.push({ token, headers, bytes: body.length });
    const id = `0:${Date.now()}%${randomBytes(8).toString('hex')}`;
    const encoding = headers['content-encoding']?.toString();
    connection.deliver(registration.device, dataMessage({ id, registration, encoding, body, ttl: headers['ttl'] }));
    return { status: 201, headers: { location: `https://${hosts[0]}/${id}` } };
  }

  function register(form: URLSearchParams): Answer {
    const field = (name: string) => form.get(name) ?? '';
    if (form.has('delete')) {
      for (const [token, { subtype }] of registrations) {
        if (subtype !== field('X-subtype')) continue;
        registrations.delete(token);
        gone.add(token);
      }
      return { status: 200, body: `token=${field('X-subtype')}` };
    }
    const token = `${randomBytes(8).toString('base64url')}:APA91b${randomBytes(96).toString('base64url')}`;
    const registration = { app: field('app'), subtype: field('X-subtype') };
    registrations.set(token, { ...registration, sender: field('sender'), device: field('device') });
    return { status: 200, body: `token=${token}` };
  }

  const web = await startHttpServer(({ path, body }) => {
    if (path === '/checkin') return checkIn(body);
    if (path === '/register3') return register(new URLSearchParams(body.toString()));
    return { status: 404 };
  });

  return {
    hosts,
    handler: accept,
    accepted,
    chromiumArgs: [
      `--gcm-checkin-url=http://127.0.0.1:${web.port}/checkin`,
      `--gcm-registration-url=http://127.0.0.1:${web.port}/register3`,
      `--gcm-mcs-endpoint=https://localhost:${connection.port}`,
      `--ignore-certificate-errors-spki-list=${publicKeyHash(certificate.cert)}`,
    ],
    close: async () => {
      await Promise.all([web.close(), connection.close()]);
    },
  };
}

/** AndroidCheckinResponse: gives a new browser its id and security token, an old one those it has. */
function checkIn(body: Buffer): Answer {
  const request = decode(body);
  const known = (field: number) => BigInt(String(request.get(field)?.[0] ?? 0));
  const fresh = () => randomBytes(8).readBigUInt64BE() >> 2n;
  const answer = [
    integer(1, 1),
    integer(3, Date.now()),
    fixed64(7, known(2) || fresh()),
    fixed64(8, known(13) || fresh()),
    integer(9, 0),
  ];
  return { status: 200, headers: { 'content-type': 'application/x-protobuf' }, body: Buffer.concat(answer) };
}

interface DataMessage {
  readonly id: string;
  readonly registration: Registration;
  readonly encoding: string | undefined;
  readonly body: Buffer;
  readonly ttl: string | string[] | undefined;
}

/** DataMessageStanza: fields as in Chromium's `mcs.proto`. */
function dataMessage({ id, registration: { app, subtype, sender }, encoding, body, ttl }: DataMessage): Buffer {
  const appData = (name: string, value: string) => bytes(7, Buffer.concat([bytes(1, name), bytes(2, value)]));
  const content = [appData('content-encoding', encoding ?? 'aes128gcm'), bytes(21, body)];
  return Buffer.concat([
    bytes(2, randomUUID()),
    bytes(3, sender),
    bytes(5, app),
    appData('subtype', subtype),
    bytes(9, id),
    integer(17, Number(ttl)),
    integer(18, Date.now()),
    integer(24, 1),
    ...(body.length > 0 ? content : []),
  ]);
}
