import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync, verify } from 'node:crypto';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TestAuthority } from './test-authority.ts';
import type { TlsFront } from './tls-front.ts';

/** What Apple does with one notification. `reset`: the stream ends without an answer. `hang`: it never ends. */
export type ApnsAnswer =
  | 'accept'
  | 'hang'
  | 'reset'
  | { readonly status: number; readonly reason: string; readonly timestamp?: number; readonly retryAfter?: number }
  /** What no service of Apple's says. */
  | { readonly status: number; readonly body: string };

export interface ApnsNotification {
  readonly token: string;
  readonly topic: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface ApnsKey {
  readonly keyId: string;
  readonly teamId: string;
  /** PEM */
  readonly privateKey: string;
}

/** Apple's push service over HTTP/2, both environments under one roof. */
export interface ApnsService extends TlsFront {
  /** Notifications that were accepted, in order. */
  readonly accepted: readonly ApnsNotification[];
  /** Requests that came, answered or not, by token. */
  readonly requests: ReadonlyMap<string, number>;
  /** Provider tokens that were seen. */
  readonly providerTokens: ReadonlySet<string>;
  /** Most streams that one connection had open at a time. */
  readonly mostStreams: () => number;
  /** What the operator gets from Apple's developer site. */
  readonly key: ApnsKey;
  /** Another team's. */
  readonly foreignKey: ApnsKey;
  /** No more streams on the connections that there are; those that run are answered. */
  readonly goAway: () => void;
  /** The key is revoked. */
  readonly revokeKey: () => void;
}

export interface ApnsServiceOptions {
  readonly clock?: () => number;
  readonly maxConcurrentStreams?: number;
  /** Bundle identifiers of the team; a notification for another is refused. */
  readonly topics?: readonly string[];
  /** By device token and number of the attempt from 0; default: all are accepted. */
  readonly answer?: (token: string, attempt: number) => ApnsAnswer | Promise<ApnsAnswer>;
}

const hosts = ['api.push.apple.com', 'api.sandbox.push.apple.com'];

export async function startApnsService(
  authority: TestAuthority,
  {
    clock = Date.now,
    maxConcurrentStreams = 1000,
    topics = ['com.example.shop'],
    answer = () => 'accept',
  }: ApnsServiceOptions = {},
): Promise<ApnsService> {
  const keys = [
    { keyId: 'ABC123DEFG', teamId: 'DEF123GHIJ', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
    { keyId: 'KLM456NOPQ', teamId: 'RST456UVWX', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  ] as const;
  const teamOf = new WeakMap<ServerHttp2Session, string>();
  const accepted: ApnsNotification[] = [];
  const requests = new Map<string, number>();
  const providerTokens = new Set<string>();
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  let mostStreams = 0;
  let connections = 0;
  let isRevoked = false;

  const server = createSecureServer({
    // `localhost`: for clients that cannot be led elsewhere.
    ...authority.issue([...hosts, 'localhost']),
    ALPNProtocols: ['h2'],
    settings: { maxConcurrentStreams: 1 },
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.on('secureConnection', () => connections++);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('sessionError', () => undefined);
  server.on('tlsClientError', () => undefined);
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    if ((session.socket as TLSSocket).getPeerX509Certificate()) session.settings({ maxConcurrentStreams });
    let streams = 0;
    session.on('stream', (stream: ServerHttp2Stream) => {
      streams += 1;
      mostStreams = Math.max(mostStreams, streams);
      stream.on('close', () => (streams -= 1));
    });
  });

  const proofFault = (headers: IncomingHttpHeaders, session: ServerHttp2Session): ApnsAnswer | null => {
    const certificate = (session.socket as TLSSocket).getPeerX509Certificate();
    if (certificate) return isRevoked ? refuse(403, 'BadCertificate') : null;
    const token = /^bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) return refuse(403, 'MissingProviderToken');
    providerTokens.add(token);
    const key = keys.find(({ keyId }) => keyId === decode(token.split('.')[0] ?? '')['kid']);
    const fault = isRevoked || !key ? 'InvalidProviderToken' : tokenFault(token, key, clock() / 1000);
    if (fault !== null || !key) return refuse(403, fault ?? 'InvalidProviderToken');
    // "APNs doesn't support authentication tokens from multiple developer accounts over a single connection."
    const team = teamOf.get(session);
    if (team !== undefined) return team === key.teamId ? null : refuse(403, 'InvalidProviderToken');
    teamOf.set(session, key.teamId);
    // "APNs allows only one stream … until you post a request with a valid authentication token."
    session.settings({ maxConcurrentStreams });
    return null;
  };

  const judge = async (
    headers: IncomingHttpHeaders,
    body: Buffer,
    session: ServerHttp2Session,
  ): Promise<{ said: ApnsAnswer; notification?: ApnsNotification }> => {
    const [, token = ''] = /^\/3\/device\/(.*)$/.exec(headers[':path'] ?? '') ?? [];
    const attempt = requests.get(token) ?? 0;
    requests.set(token, attempt + 1);
    const proof = proofFault(headers, session);
    if (proof) return { said: proof };
    const request = requestFault(headers, body, topics);
    if (request) return { said: request };
    if (!/^(?:[0-9a-f]{2})+$/.test(token) || /^0+$/.test(token)) return { said: refuse(400, 'BadDeviceToken') };
    const payload = JSON.parse(body.toString()) as ApnsNotification['payload'];
    const notification = { token, topic: String(headers['apns-topic']), headers, payload };
    return { said: await answer(token, attempt), notification };
  };

  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const session = stream.session as ServerHttp2Session | undefined;
      if (!session) return;
      void judge(headers, Buffer.concat(chunks), session).then(({ said, notification }) => {
        if (stream.destroyed || said === 'hang') return;
        if (said === 'reset') {
          stream.close(2);
        } else if (said === 'accept') {
          if (notification) accepted.push(notification);
          stream.respond({ ':status': 200, 'apns-id': crypto.randomUUID() }, { endStream: true });
        } else {
          const headers: OutgoingHttpHeaders = { ':status': said.status };
          if ('retryAfter' in said) headers['retry-after'] = String(said.retryAfter);
          stream.respond(headers);
          stream.end('body' in said ? said.body : JSON.stringify(said));
        }
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.address() as AddressInfo).port,
    hosts,
    connections: () => connections,
    dropConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
    accepted,
    requests,
    providerTokens,
    mostStreams: () => mostStreams,
    key: forOperator(keys[0]),
    foreignKey: forOperator(keys[1]),
    goAway: () => {
      for (const session of sessions) session.close();
    },
    revokeKey: () => void (isRevoked = true),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const forOperator = ({
  keyId,
  teamId,
  privateKey,
}: Omit<ApnsKey, 'privateKey'> & { readonly privateKey: KeyObject }): ApnsKey => ({
  keyId,
  teamId,
  privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
});

const refuse = (status: number, reason: string) => ({ status, reason });

/** Apple, Establishing a token-based connection to APNs; null when the token is good. */
function tokenFault(
  token: string,
  { keyId, teamId, publicKey: key }: { readonly keyId: string; readonly teamId: string; readonly publicKey: KeyObject },
  nowSeconds: number,
): string | null {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const signed = Buffer.from(`${header}.${payload}`);
  const isGood = verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
  const { alg, kid } = decode(header);
  const { iss, iat } = decode(payload);
  if (!isGood || alg !== 'ES256' || kid !== keyId || iss !== teamId) return 'InvalidProviderToken';
  const age = nowSeconds - Number(iat);
  return age >= 3600 || age < -60 ? 'ExpiredProviderToken' : null;
}

const decode = (part: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;

/** Apple, Sending notification requests to APNs; what that page calls an error. */
function requestFault(headers: IncomingHttpHeaders, body: Buffer, topics: readonly string[]): ApnsAnswer | null {
  const topic = headers['apns-topic'];
  if (topic === undefined) return refuse(400, 'MissingTopic');
  if (!topics.includes(String(topic))) return refuse(400, 'DeviceTokenNotForTopic');
  const type = headers['apns-push-type'];
  const priority = headers['apns-priority'];
  if (type !== 'alert' && type !== 'background') return refuse(400, 'InvalidPushType');
  if (priority !== undefined && !['5', '10', '1'].includes(String(priority))) return refuse(400, 'BadPriority');
  if (type === 'background' && priority !== '5') return refuse(400, 'BadPriority');
  if (Buffer.byteLength(String(headers['apns-collapse-id'] ?? '')) > 64) return refuse(400, 'BadCollapseId');
  if (!/^\d*$/.test(String(headers['apns-expiration'] ?? ''))) return refuse(400, 'BadExpirationDate');
  if (body.length === 0) return refuse(400, 'PayloadEmpty');
  return body.length > 4096 ? refuse(413, 'PayloadTooLarge') : null;
}
