/**
 * One wide event per stage. `event` is `stage.outcome` (`publish.accepted`, `message.delivered`); fields are flat. Never
 * a secret, a publish body, a token or a URL with credentials: pass `origin` or a redacted URL instead.
 */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;
