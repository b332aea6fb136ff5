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

export type HttpOutcome = (HttpResponse | HttpError) & {
  /** IP address that was connected to, or that the last try to connect was made to; null when there was no try. */
  readonly address: string | null;
  /** By a clock that never jumps. */
  readonly durationMs: number;
};

export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  /** What `Retry-After` asks for; null without one. */
  readonly retryAfterMs: number | null;
  /** Names in lower case; the first ones, up to 4 KiB. No cookies. */
  readonly headers: Readonly<Record<string, string>>;
  /** The first 4 KiB, read as UTF-8; what is no text is replaced by U+FFFD. */
  readonly body: string;
}

export interface HttpError {
  readonly kind: 'error';
  /** `refused`: the guard does not let this address be reached. */
  readonly reason: 'refused' | 'timeout' | 'connection';
  /** In words, without credentials. */
  readonly message: string;
}
