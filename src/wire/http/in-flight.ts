import type { IncomingMessage, ServerResponse } from 'node:http';

export interface InFlightLimits {
  /** Requests that have arrived whole and are not answered. */
  readonly maxRequests: number;
  /** Bytes of bodies, arriving or of requests that are not answered. */
  readonly maxBodyBytes: number;
}

/** On the request itself: a map beside it would cost the garbage collector more than everything here. */
const heldFor = Symbol('heldFor');

interface Tracked extends IncomingMessage {
  [heldFor]?: Held | undefined;
}

interface Held {
  bytes: number;
  requests: 0 | 1;
}

/**
 * What the listeners hold in memory for requests, all together. Slow requests count only with the bytes that they have
 * sent, so that declaring much or dawdling costs nobody else's place.
 */
export class InFlight {
  readonly #limits: InFlightLimits;
  #bytes = 0;
  #requests = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /** From here on; everything is let go of when the response is over, whichever way it ends. */
  track(request: Tracked, response: ServerResponse): void {
    const held: Held = { bytes: 0, requests: 0 };
    request[heldFor] = held;
    response.on('close', () => {
      request[heldFor] = undefined;
      this.#bytes -= held.bytes;
      this.#requests -= held.requests;
    });
  }

  /** False when there is no room for more of the body. */
  addBytes(request: Tracked, bytes: number): boolean {
    const held = request[heldFor];
    if (!held || this.#bytes + bytes > this.#limits.maxBodyBytes) return false;
    held.bytes += bytes;
    this.#bytes += bytes;
    return true;
  }

  /** The request has arrived whole. False when there is no room for it. */
  addRequest(request: Tracked): boolean {
    const held = request[heldFor];
    if (!held || this.#requests >= this.#limits.maxRequests) return false;
    this.#requests += 1 - held.requests;
    held.requests = 1;
    return true;
  }
}
