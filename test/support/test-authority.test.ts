import { X509Certificate } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { createTestAuthority } from './test-authority.ts';
import { startTlsFront } from './tls-front.ts';

test('its certificates are good for their names and for no other', async () => {
  const authority = createTestAuthority();
  const server = createServer(authority.issue(['a.example', 'b.example'])).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dial = async (servername: string, ca: string): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port, servername, ca });
    const outcome = await Promise.race([once(socket, 'secureConnect'), once(socket, 'error')]).then(
      () => 'connected',
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
    socket.destroy();
    return outcome;
  };

  expect(await dial('a.example', authority.certificate)).toBe('connected');
  expect(await dial('b.example', authority.certificate)).toBe('connected');
  expect(await dial('c.example', authority.certificate)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  expect(await dial('a.example', createTestAuthority().certificate)).not.toBe('connected');
});

test('every certificate can be read, whatever its length', () => {
  const authority = createTestAuthority();
  const root = new X509Certificate(authority.certificate);
  for (let length = 1; length <= 60; length++) {
    const name = `${'x'.repeat(length)}.example`;
    const leaf = new X509Certificate(authority.issue([name]).cert);
    expect(leaf.checkHost(name)).toBe(name);
    expect(leaf.verify(root.publicKey)).toBe(true);
  }
});

test('a TLS front answers each name by its own handler, over HTTP/2', async () => {
  const authority = createTestAuthority();
  const front = await startTlsFront(authority, {
    'a.example': ({ method, path, body }) => ({ status: 201, body: `a ${method} ${path} ${body.toString()}` }),
    'b.example': () => ({ status: 410 }),
  });
  onTestFinished(() => front.close());
  const post = async (hostname: string): Promise<string> => {
    const socket = connect({
      host: '127.0.0.1',
      port: front.port,
      servername: hostname,
      ca: authority.certificate,
      ALPNProtocols: ['h2'],
    });
    const session = connectHttp2(`https://${hostname}`, { createConnection: () => socket });
    const stream = session.request({ ':method': 'POST', ':path': '/x?y' }).end('hello');
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    session.close();
    return `${String(headers[':status'])} ${text}`;
  };

  expect(await post('a.example')).toBe('201 a POST /x?y hello');
  expect(await post('b.example')).toBe('410 ');
});
