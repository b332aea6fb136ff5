import { randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import type { Answer, ReceivedRequest } from './http-handler.ts';
import type { AcceptedPush, PushService } from './push-service.ts';
import { maxPushBytes } from './push-service.ts';
import { vapidFault } from './verify-vapid.ts';

const host = 'updates.push.services.mozilla.com';

/**
 * What Firefox made of a push message. Code 100: decrypted and handled, 101: could not decrypt, 102: not delivered;
 * refused (nack) 301: the worker threw, 302: its promise rejected, 303: internal error.
 */
export interface Verdict {
  readonly channelID: string;
  readonly version: string;
  readonly code: number;
}

export interface FirefoxPushService extends PushService {
  /** For the preference `dom.push.serverURL`. */
  readonly webSocketUrl: string;
  readonly verdicts: readonly Verdict[];
  /** All subscriptions are gone, as after a loss of the service's data: browsers are told when they connect again. */
  readonly forgetBrowsers: () => void;
}

interface Channel {
  readonly id: string;
  readonly browser: Browser;
  readonly token: string;
  /** VAPID key that the subscription is bound to. */
  readonly key: string | undefined;
  waiting: QueuedPush[];
}

interface Browser {
  readonly id: string;
  socket: WebSocket | null;
}

interface QueuedPush {
  readonly topic: string | undefined;
  readonly frame: { readonly version: string };
}

/** Mozilla's push service as Firefox sees it: the autopush WebSocket protocol, JSON text frames on loopback. */
export async function startFirefoxPushService(): Promise<FirefoxPushService> {
  const browsers = new Map<string, Browser>();
  const channels = new Map<string, Channel>(); // by token
  const gone = new Set<string>();
  const accepted: AcceptedPush[] = [];
  const verdicts: Verdict[] = [];

  const send = (channel: Channel, push: QueuedPush) => channel.browser.socket?.send(JSON.stringify(push.frame));
  const findChannel = (id: string) => [...channels.values()].find((channel) => channel.id === id);

  function accept({ method, path, headers, body }: ReceivedRequest): Answer {
    const token = /^\/wpush\/v2\/([\w-]+)$/.exec(path)?.[1] ?? '';
    if (method !== 'POST') return refuse(405, 102);
    if (gone.has(token)) return refuse(410, 106);
    const channel = channels.get(token);
    if (!channel) return refuse(404, 102);
    if (!/^\d+$/.test(headers['ttl']?.toString() ?? '')) return refuse(400, 111);
    if (body.length > maxPushBytes) return refuse(413, 104);
    if (body.length > 0 && headers['content-encoding'] !== 'aes128gcm') return refuse(400, 110);
    const fault = vapidFault(headers.authorization, { audiences: [`https://${host}`], key: channel.key });
    if (fault) return refuse(401, 109, fault);

    const version = randomUUID();
    const topic = headers['topic']?.toString();
    const content = body.length > 0 && { data: body.toString('base64url'), headers: { encoding: 'aes128gcm' } };
    const push = { topic, frame: { messageType: 'notification', channelID: channel.id, version, ...content } };
    // RFC 8030 section 5.4: a message with a topic replaces a waiting one with the same topic.
    channel.waiting = channel.waiting.filter((other) => topic === undefined || other.topic !== topic);
    channel.waiting.push(push);
    accepted.push({ token, headers, bytes: body.length });
    send(channel, push);
    return { status: 201, headers: { location: `https://${host}/m/${version}`, ttl: String(headers['ttl']) } };
  }

  /** Answers one frame of a browser; `hello` says which browser this connection belongs to. */
  function receive(socket: WebSocket, browser: Browser | null, frame: Frame): Browser | null {
    const reply = (fields: object) => socket.send(JSON.stringify({ messageType: frame.messageType, ...fields }));
    if (frame.messageType === 'hello') {
      const known = browsers.get(frame.uaid ?? '') ?? { id: randomUUID().replaceAll('-', ''), socket };
      known.socket = socket;
      browsers.set(known.id, known);
      reply({ uaid: known.id, status: 200, use_webpush: true, broadcasts: {} });
      for (const channel of channels.values())
        if (channel.browser === known) channel.waiting.forEach((push) => send(channel, push));
      return known;
    }
    if (frame.messageType === 'register' && browser) {
      const token = randomBytes(24).toString('base64url');
      const key = frame.key?.replace(/=+$/, '');
      channels.set(token, { id: frame.channelID, browser, token, key, waiting: [] });
      reply({ channelID: frame.channelID, status: 200, pushEndpoint: `https://${host}/wpush/v2/${token}` });
    } else if (frame.messageType === 'unregister') {
      const channel = findChannel(frame.channelID);
      if (channel) gone.add(channel.token);
      if (channel) channels.delete(channel.token);
      reply({ channelID: frame.channelID, status: 200 });
    } else if (frame.messageType === 'ack') {
      for (const update of frame.updates) {
        verdicts.push(update);
        const channel = findChannel(update.channelID);
        if (channel) channel.waiting = channel.waiting.filter((push) => push.frame.version !== update.version);
      }
    } else if (frame.messageType === 'nack') verdicts.push(frame);
    return browser;
  }

  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => {
    let browser: Browser | null = null;
    socket.on('message', (data: Buffer) => {
      const frame = data.toString();
      if (frame === '{}') socket.send('{}'); // a ping
      else browser = receive(socket, browser, JSON.parse(frame) as Frame);
    });
    socket.on('close', () => {
      if (browser?.socket === socket) browser.socket = null;
    });
  });
  await new Promise<void>((resolve) => server.once('listening', resolve));

  return {
    hosts: [host],
    handler: accept,
    accepted,
    verdicts,
    forgetBrowsers() {
      for (const token of channels.keys()) gone.add(token);
      channels.clear();
      browsers.clear();
      for (const socket of server.clients) socket.terminate();
    },
    webSocketUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of server.clients) socket.terminate();
      }),
  };
}

type Frame =
  | { readonly messageType: 'hello'; readonly uaid?: string }
  | { readonly messageType: 'register'; readonly channelID: string; readonly key?: string }
  | { readonly messageType: 'unregister'; readonly channelID: string }
  | { readonly messageType: 'ack'; readonly updates: readonly Verdict[] }
  | ({ readonly messageType: 'nack' } & Verdict)
  | { readonly messageType: 'broadcast_subscribe' };

function refuse(code: number, errno: number, message = ''): Answer {
  const headers = { 'content-type': 'application/json' };
  return { status: code, headers, body: JSON.stringify({ code, errno, message }) };
}
