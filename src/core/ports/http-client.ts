/** How webhooks leave the process: implemented by `egress`. */
export interface HttpClient {
  /** Never rejects: what went wrong is a value. Redirects are not followed. */
  post(request: HttpPost): Promise<HttpOutcome>;
}

export interface HttpPost {
  /** Absolute `https:` URL (`http:` only where the operator allowed it) without credentials. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Covers name resolution, connecting, TLS and the response. */
  readonly timeoutMs: number;
}

export type HttpOutcome =
  | { readonly kind: 'response'; readonly status: number; readonly retryAfterMs: number | null }
  /** `refused`: the guard does not let this address be reached. */
  | { readonly kind: 'error'; readonly reason: 'refused' | 'timeout' | 'connection'; readonly message: string };
