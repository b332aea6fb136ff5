import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { VerifyRequestOptions } from './verify-request.ts';
import { verifyNodeRequest, verifyRequest } from './verify-request.ts';
import { WebhookError } from './webhook-error.ts';

const secret = 'my-own-secret';
const body = JSON.stringify({ event: 'notification.displayed', id: 'p', userId: 'd' });
const headersOf = (text: string) => ({
  'webhook-id': 'm',
  'webhook-timestamp': '1',
  'webhook-signature': createHmac('sha1', secret).update(text).digest('hex'),
});
const reasonOf = async (verified: Promise<{ readonly id: string }>) => {
  try {
    return (await verified).id;
  } catch (error) {
    return error instanceof WebhookError ? error.reason : String(error);
  }
};

describe('a request of the web', () => {
  const requestOf = (text: string | ReadableStream<Uint8Array>, signed = body) =>
    new Request('https://site.example/hook', {
      method: 'POST',
      headers: headersOf(signed),
      body: text,
      duplex: 'half',
    });

  test('is believed', async () => {
    expect(await reasonOf(verifyRequest(requestOf(body), secret))).toBe('m');
    expect(await reasonOf(verifyRequest(requestOf(body), 'another-secret'))).toBe('wrong-signature');
  });

  test('without a body is not', async () => {
    const request = new Request('https://site.example/hook', { headers: headersOf('') });
    expect(await reasonOf(verifyRequest(request, secret))).toBe('malformed-body');
  });

  test('that somebody has read is told so', async () => {
    const request = requestOf(body);
    await request.json();
    expect(await reasonOf(verifyRequest(request, secret))).toBe('body-already-read');
  });

  test('that never ends is cut off', async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
      cancel() {
        cancelled = true;
      },
    });
    expect(await reasonOf(verifyRequest(requestOf(endless), secret, { maxBytes: 10_000 }))).toBe('body-too-large');
    expect(cancelled).toBe(true);
  });
});

describe('a request of Node’s server', () => {
  /** A server that answers with what became of the request. */
  async function startServer(options: VerifyRequestOptions = {}, before?: (request: IncomingMessage) => Promise<void>) {
    const ended: string[] = [];
    const answer = async (request: IncomingMessage): Promise<string> => {
      await before?.(request);
      const reason = await reasonOf(verifyNodeRequest(request, secret, options));
      ended.push(reason);
      return reason;
    };
    const server = createServer((request, response) => void answer(request).then((reason) => response.end(reason)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, ended };
  }
  const post = async (url: string, text: string, signed = text) =>
    (await fetch(url, { method: 'POST', headers: headersOf(signed), body: text })).text();

  test('is believed', async () => {
    const { url } = await startServer();
    expect(await post(url, body)).toBe('m');
    expect(await post(url, body, `${body} `)).toBe('wrong-signature');
  });

  test('that is too large can still be answered', async () => {
    const { url } = await startServer({ maxBytes: 100_000 });
    expect(await post(url, JSON.stringify('x'.repeat(300_000)))).toBe('body-too-large');
    expect(await post(url, body)).toBe('m');
  });

  test('that somebody has read is told so', async () => {
    const { url } = await startServer({}, async (request) => {
      for await (const _ of request);
    });
    expect(await post(url, body)).toBe('body-already-read');
  });

  test('whose connection ends early is not waited for', async () => {
    const { url, ended } = await startServer();
    const request = httpRequest(url, { method: 'POST', headers: { ...headersOf(body), 'content-length': 100 } });
    request.on('error', () => {});
    request.write('{');
    await expect.poll(() => request.socket?.bytesWritten ?? 0).toBeGreaterThan(0);
    request.destroy();
    await expect.poll(() => ended).toEqual(['body-incomplete']);
  });
});
