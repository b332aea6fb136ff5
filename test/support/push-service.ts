import type { IncomingHttpHeaders } from 'node:http';
import type { HttpHandler } from './http-handler.ts';

/** A push message that a push service took from a sender. */
export interface AcceptedPush {
  /** Last part of the endpoint's path. */
  readonly token: string;
  readonly headers: IncomingHttpHeaders;
  /** Size of the encrypted body. */
  readonly bytes: number;
}

/** The senders' side of a local push service (RFC 8030): mount `handler` on a TLS front under each of `hosts`. */
export interface PushService {
  /** Names in the endpoints that it hands out. */
  readonly hosts: readonly string[];
  readonly handler: HttpHandler;
  readonly accepted: readonly AcceptedPush[];
  readonly close: () => Promise<void>;
}

/** Largest encrypted body that the real services take, in bytes. */
export const maxPushBytes = 4096;
