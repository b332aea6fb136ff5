import type { LogFields } from '../core/ports/log.ts';

/** Names of fields whose values are never printed, whatever is in them. */
const secretName =
  /secret|token|password|authorization|cookie|private|customdata|^(body|requestBody|payload|endpoint|address|keys?)$/i;
/** User info of a URL (RFC 3986, section 3.2.1), wherever it stands in a text. */
const userInfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"'`]*@/gi;
/** A bearer or basic credential in a text. */
const credentials = /\b(bearer|basic)\s+[\w\-.~+/]+=*/gi;

export const hidden = '[redacted]';

/** Whether what has this name is never printed. */
export const isSecretName = (name: string): boolean => secretName.test(name);

function redact(fields: LogFields): Record<string, unknown> {
  const redacted: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) redacted[name] = isSecretName(name) ? hidden : redactValue(fields[name]);
  return redacted;
}

/** A second line of defence behind the rule of the `Log` port; errors become texts. */
export function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof URL) return redactText(value.href);
  if (value instanceof Error) return redactError(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (ArrayBuffer.isView(value)) return hidden;
  return redact({ ...value });
}

function redactError(error: Error): Record<string, unknown> {
  return {
    name: error.name,
    message: redactText(error.message),
    ...(error.stack && { stack: redactText(error.stack) }),
    ...(error.cause instanceof Error && { cause: redactError(error.cause) }),
    ...(error instanceof AggregateError && { errors: error.errors.map(redactValue) }),
  };
}

/** Most texts are ids and words, which need no closer look. */
const mayHoldSecret = /[@\s]/;

const redactText = (text: string): string =>
  mayHoldSecret.test(text) ? text.replace(userInfo, `$1${hidden}@`).replace(credentials, `$1 ${hidden}`) : text;
