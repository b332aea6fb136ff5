import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { RefusedBody, ServerBusy } from './http-failure.ts';
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
  // The first chunk, then one that grows: kept one by one, chunks of a byte would take hundreds of times what they hold.
  let body: Buffer = Buffer.alloc(0);
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
    const end = bytes + chunk.length;
    if (end > maxBytes) return refuse(new RefusedBody('body-too-large'));
    if (end > body.length) {
      const capacity = bytes === 0 ? end : Math.min(maxBytes, 2 * end);
      if (!inFlight.addBytes(request, capacity - body.length))
        return refuse(new ServerBusy('too many bytes in flight'));
      body = bytes === 0 ? chunk : Buffer.concat([body], capacity);
    }
    if (bytes > 0) chunk.copy(body, bytes);
    bytes = end;
  };
  const onEnd = (): void => {
    request.off('error', onError);
    const whole = body.subarray(0, bytes);
    if (isUtf8(whole)) done(null, whole.toString());
    else done(new RefusedBody('malformed-body'), '');
  };
  // The client closed the connection in the middle of the body.
  const onError = (): void => refuse(new RefusedBody('malformed-body'));
  request.on('data', onData).on('end', onEnd).on('error', onError);
}
