/** How pushes leave the process: implemented by `egress`, used by `gateways`. */
export interface PushConnections {
  /** Never rejects: what went wrong is a value. Ends at the deadline at the latest. Redirects are not followed. */
  request(request: PushRequest): Promise<PushResponse>;
  /** Ends the connections after what is in flight has been answered. */
  close(): Promise<void>;
}

/** What the client shows when a connection is made. */
export interface ClientCertificate {
  /** PEM, leaf first. */
  readonly certificate: string;
  /** PKCS #8 PEM. */
  readonly privateKey: string;
}

/** One POST to a push service. */
export interface PushRequest {
  /** `https://host` or `https://host:port` */
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Covers name resolution, connecting, TLS, waiting for a connection and the response. */
  readonly timeoutMs: number;
}

export type PushResponse =
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly retryAfterMs: number | null;
      /** The first 4096 bytes of the body at most. */
      readonly text: string;
    }
  /** `refused`: the guard does not let this address be reached. */
  | { readonly kind: 'error'; readonly reason: 'refused' | 'timeout' | 'connection'; readonly message: string };
