import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { StoreUnavailable } from '../../core/ports/command.ts';
import { RefusedBody } from './http-failure.ts';
import type { InFlight } from './in-flight.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  readonly inFlight: InFlight;
}

/**
 * Reads a request's body as UTF-8. `done` gets an error as soon as it is known to be larger than `maxBytes`, or when there
 * is no room for it beside the others in flight; what follows is left unread, and the connection is to be closed. Also when
 * it is not UTF-8 (RFC 8259, section 8.1), which would be taken with other characters than were meant. (A callback: a
 * promise for every request is a good part of what reading costs.)
 */
export function readBody(
  request: IncomingMessage,
  { maxBytes, inFlight }: BodyLimits,
  done: (error: Error | null, body: string) => void,
): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return done(new RefusedBody('body-too-large'), '');
  const chunks: Buffer[] = [];
  let bytes = 0;
  const stop = (): void => void request.off('data', onData).off('end', onEnd).off('error', onError);
  const refuse = (error: Error): void => {
    stop();
    request.pause();
    // A connection that breaks later must not end the process.
    request.on('error', () => request.destroy());
    done(error, '');
  };
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > maxBytes) return refuse(new RefusedBody('body-too-large'));
    if (!inFlight.addBytes(request, chunk.length)) return refuse(new StoreUnavailable('too many bytes in flight'));
    chunks.push(chunk);
  };
  const onEnd = (): void => {
    request.off('error', onError);
    const [first = Buffer.alloc(0)] = chunks;
    const body = chunks.length <= 1 ? first : Buffer.concat(chunks, bytes);
    if (isUtf8(body)) done(null, body.toString());
    else done(new RefusedBody('malformed-body'), '');
  };
  // The client closed the connection in the middle of the body.
  const onError = (): void => refuse(new RefusedBody('malformed-body'));
  request.on('data', onData).on('end', onEnd).on('error', onError);
}
