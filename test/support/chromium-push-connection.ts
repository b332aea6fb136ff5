import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createServer } from 'node:tls';
import { bytes, decode, integer, readVarint, text, varint } from './protobuf.ts';

// Tags of the frames of Google's mobile connection server (MCS), and the protocol version both sides begin with.
const tags = { heartbeat: 0, heartbeatAnswer: 1, login: 2, loginAnswer: 3, data: 8 } as const;
const protocolVersion = 41;

export interface ChromiumPushConnection {
  readonly port: number;
  /** Sends a DataMessageStanza to a device now, or as soon as it logs in. */
  readonly deliver: (device: string, stanza: Buffer) => void;
  readonly close: () => Promise<void>;
}

/** The long-lived TLS connection that Chromium receives its pushes over. */
export async function startChromiumPushConnection(certificate: {
  readonly key: string;
  readonly cert: string;
}): Promise<ChromiumPushConnection> {
  const connected = new Map<string, TLSSocket>();
  const waiting: { readonly device: string; readonly stanza: Buffer }[] = [];
  const sockets = new Set<TLSSocket>();

  function flush(device: string): void {
    const socket = connected.get(device);
    if (!socket) return;
    for (const push of waiting.filter((other) => other.device === device)) {
      waiting.splice(waiting.indexOf(push), 1);
      socket.write(frame(tags.data, push.stanza));
    }
  }

  const server = createServer(certificate, (socket) => {
    sockets.add(socket);
    let device = '';
    let unread: Buffer = Buffer.alloc(0);
    let versionSeen = false;
    socket.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      if (!versionSeen) {
        versionSeen = true;
        unread = unread.subarray(1);
      }
      for (let next = readFrame(unread); next; next = readFrame(unread)) {
        unread = unread.subarray(next.end);
        if (next.tag === tags.heartbeat) socket.write(frame(tags.heartbeatAnswer, Buffer.alloc(0)));
        if (next.tag !== tags.login) continue;
        const login = decode(next.body);
        device = text(login, 3);
        connected.set(device, socket);
        const answer = Buffer.concat([bytes(1, text(login, 1)), integer(8, Date.now())]);
        socket.write(Buffer.concat([Buffer.from([protocolVersion]), frame(tags.loginAnswer, answer)]));
        flush(device);
      }
    });
    socket.on('error', () => socket.destroy()); // a killed browser resets the connection
    socket.on('close', () => {
      sockets.delete(socket);
      if (connected.get(device) === socket) connected.delete(device);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.address() as AddressInfo).port,
    deliver(device, stanza) {
      waiting.push({ device, stanza });
      flush(device);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const frame = (tag: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([tag]), varint(body.length), body]);

function readFrame(buffer: Buffer): { tag: number; body: Buffer; end: number } | null {
  const length = buffer.length > 1 ? readVarint(buffer, 1) : null;
  if (!length) return null;
  const end = length.end + Number(length.value);
  if (buffer.length < end) return null;
  return { tag: buffer.readUInt8(0), body: buffer.subarray(length.end, end), end };
}
