import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** A request with its whole body, the same for HTTP/1.1 and HTTP/2. */
export interface ReceivedRequest {
  readonly method: string;
  /** Name without the port. */
  readonly host: string;
  /** Path and query as they stood on the request line. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly httpVersion: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export type HttpHandler = (request: ReceivedRequest) => Answer | Promise<Answer>;

/** Makes a handler a listener for `node:http`, `node:https` and `node:http2` servers. A throw is answered with 500. */
export function toListener(handler: HttpHandler) {
  return (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse<Http2ServerRequest>,
  ): void => {
    void answer(handler, request).then(({ status, headers = {}, body = '' }) => {
      (response as ServerResponse).writeHead(status, headers).end(body);
    });
  };
}

async function answer(handler: HttpHandler, request: IncomingMessage | Http2ServerRequest): Promise<Answer> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const authority = request.headers[':authority'] ?? request.headers.host ?? '';
    return await handler({
      method: request.method ?? '',
      host: String(authority).replace(/:\d+$/, ''),
      path: request.url ?? '/',
      headers: request.headers,
      body: Buffer.concat(chunks),
      httpVersion: request.httpVersion,
    });
  } catch (error) {
    return { status: 500, body: String(error) };
  }
}
