import type { IncomingMessage, ServerResponse } from 'node:http';

/** How many a page that comes late, or back, is still told. */
const maxKept = 200;

export interface LiveEvents {
  readonly publish: (event: object) => void;
  /** Answers with a stream of server-sent events: what the page has not seen yet, then all that comes. */
  readonly stream: (request: IncomingMessage, response: ServerResponse) => void;
}

export function createLiveEvents(): LiveEvents {
  const kept: { readonly id: number; readonly text: string }[] = [];
  const listeners = new Set<ServerResponse>();
  let lastId = 0;
  return {
    publish(event) {
      const id = ++lastId;
      const text = `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`;
      kept.push({ id, text });
      if (kept.length > maxKept) kept.shift();
      for (const listener of listeners) listener.write(text);
    },
    stream(request, response) {
      // "Last-Event-ID": what a page that was cut off has seen.
      const seen = Number(request.headers['last-event-id'] ?? 0);
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(': hello\n\n');
      for (const { id, text } of kept) if (id > seen) response.write(text);
      listeners.add(response);
      response.on('close', () => listeners.delete(response));
    },
  };
}
