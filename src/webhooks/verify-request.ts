import { BodyChunks } from './body-chunks.ts';
import type { VerifiedWebhook, VerifyOptions } from './verify.ts';
import { verify } from './verify.ts';
import { WebhookError } from './webhook-error.ts';

export interface VerifyRequestOptions extends VerifyOptions {
  /** Larger bodies are refused before they are read whole; 4 MiB without it. */
  readonly maxBytes?: number;
}

/** The parts of Node's `IncomingMessage` that are used. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly readableEnded: boolean;
  readonly destroyed: boolean;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  resume(): unknown;
}

const defaultMaxBytes = 4 * 1024 * 1024;

/** `verify` for a `Request` of the web: Next, Hono, Deno, Bun, Workers. */
export async function verifyRequest(
  request: Pick<Request, 'headers' | 'body' | 'bodyUsed'>,
  secrets: string | readonly string[],
  { maxBytes = defaultMaxBytes, ...options }: VerifyRequestOptions = {},
): Promise<VerifiedWebhook> {
  if (request.bodyUsed) throw alreadyRead();
  const chunks = new BodyChunks(maxBytes);
  const reader = request.body?.getReader();
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    try {
      chunks.add(read.value);
    } catch (error) {
      await reader?.cancel();
      throw error;
    }
  }
  return verify(chunks.whole(), request.headers, secrets, options);
}

/** `verify` for a request of Node's own server, which nobody has read yet: Express, Koa, Fastify's `request.raw`. */
export async function verifyNodeRequest(
  request: NodeRequest,
  secrets: string | readonly string[],
  { maxBytes = defaultMaxBytes, ...options }: VerifyRequestOptions = {},
): Promise<VerifiedWebhook> {
  if (request.readableEnded) throw alreadyRead();
  return verify(await readNodeBody(request, maxBytes), request.headers, secrets, options);
}

/** Of a body that is too large the rest is passed over: the program may answer, and the connection can be used again. */
function readNodeBody(request: NodeRequest, maxBytes: number): Promise<Uint8Array> {
  const chunks = new BodyChunks(maxBytes);
  return new Promise((resolve, reject) => {
    const incomplete = (cause?: Error): void =>
      reject(new WebhookError('body-incomplete', 'the connection ended before the body did', { cause }));
    const add = (chunk: Uint8Array): void => {
      try {
        chunks.add(chunk);
      } catch (error) {
        request.off('data', add);
        request.resume();
        reject(error);
      }
    };
    if (request.destroyed) return incomplete();
    request.on('data', add);
    request.on('end', () => resolve(chunks.whole()));
    request.on('close', () => incomplete());
    request.on('error', incomplete);
  });
}

const alreadyRead = (): WebhookError =>
  new WebhookError(
    'body-already-read',
    'the body was read before: keep body parsers away from this route, or give their raw bytes to verify()',
  );
