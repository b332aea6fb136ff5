import type { LogFields } from '../core/ports/log.ts';
import { hidden, isSecretName, redactValue } from './redact.ts';

/** Ids, words and paths: no secret hides in them, and JSON has them as they are. */
const plain = /^[\w\-.:/]*$/;

/** `,"name":value` of each field, without its secrets. Written by hand, since every request has a line. */
export function renderFields(fields: LogFields): string {
  let text = '';
  for (const name of Object.keys(fields)) {
    const value = isSecretName(name) ? `"${hidden}"` : render(fields[name]);
    if (value !== undefined) text += `,${plain.test(name) ? `"${name}"` : JSON.stringify(name)}:${value}`;
  }
  return text;
}

/** Undefined when JSON has no such value. */
function render(value: unknown): string | undefined {
  if (typeof value === 'string' && plain.test(value)) return `"${value}"`;
  if (typeof value === 'boolean' || value === null) return String(value);
  return JSON.stringify(redactValue(value));
}
