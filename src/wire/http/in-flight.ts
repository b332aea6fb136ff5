import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client } from './client-key.ts';
import { clientKey } from './client-key.ts';

export interface InFlightLimits {
  /** Requests that have arrived whole and are not answered. */
  readonly maxRequests: number;
  /** Bytes of bodies, arriving or of requests that are not answered. */
  readonly maxBodyBytes: number;
}

/** Bodies are plenty until they take this part of their bytes. */
const plentyShare = 1 / 2;
/** From then on no client gets more than this part. */
const clientShare = 1 / 20;
/** Bodies up to here are not counted by client while there is plenty: most are smaller, and pay nothing for it. */
const smallBytes = 1024;

/** On the request itself: a map beside it would cost the garbage collector more than everything here. */
const heldFor = Symbol('heldFor');

interface Tracked extends IncomingMessage {
  [heldFor]?: Held | undefined;
}

interface Held {
  readonly client: Client | null;
  bytes: number;
  requests: 0 | 1;
  /** Who its bytes are counted against, once they are. */
  key: string | null;
}

/**
 * What the listeners hold in memory for requests, all together. Slow requests count only with the bytes that they have
 * sent, so that declaring much or dawdling costs nobody else's place; where bytes run short, those who hold many get no more.
 */
export class InFlight {
  readonly #limits: InFlightLimits;
  #bytes = 0;
  #requests = 0;
  readonly #bytesByClient = new Map<string, number>();

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /**
   * From here on; everything is let go of when the response is over, whichever way it ends. `client` null: it has shown
   * a key, and takes what it needs.
   */
  track(request: Tracked, response: ServerResponse, client: Client | null): void {
    const held: Held = { client, bytes: 0, requests: 0, key: null };
    request[heldFor] = held;
    response.on('close', () => {
      request[heldFor] = undefined;
      this.#bytes -= held.bytes;
      this.#requests -= held.requests;
      if (held.key !== null) this.#countFor(held.key, -held.bytes);
    });
  }

  /** False when there is no room for more of the body. */
  addBytes(request: Tracked, bytes: number): boolean {
    const held = request[heldFor];
    const all = this.#bytes + bytes;
    if (!held || all > this.#limits.maxBodyBytes) return false;
    const { maxBodyBytes } = this.#limits;
    const isScarce = all > maxBodyBytes * plentyShare;
    if (held.client && (isScarce || held.bytes + bytes > smallBytes)) {
      const key = held.key ?? clientKey(held.client);
      const more = held.key === null ? held.bytes + bytes : bytes;
      const ofClient = (this.#bytesByClient.get(key) ?? 0) + more;
      if (isScarce && ofClient > maxBodyBytes * clientShare) return false;
      held.key = key;
      this.#countFor(key, more);
    }
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

  #countFor(client: string, bytes: number): void {
    const left = (this.#bytesByClient.get(client) ?? 0) + bytes;
    if (left > 0) this.#bytesByClient.set(client, left);
    else this.#bytesByClient.delete(client);
  }
}
