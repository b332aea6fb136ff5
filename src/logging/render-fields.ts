import type { LogFields } from '../core/ports/log.ts';
import { hidden, isSecretName, redactValue } from './redact.ts';

/** Ids, words and paths: no secret hides in them, and JSON has them as they are. */
const plain = /^[\w\-.:/]*$/;

interface FieldName {
  /** `,"name":` */
  readonly start: string;
  readonly isSecret: boolean;
}

/** Names are few, and each comes with every line of its event. */
const maxKnownNames = 1_000;
const knownNames = new Map<string, FieldName>();

function fieldName(name: string): FieldName {
  const known = knownNames.get(name);
  if (known) return known;
  const fresh = { start: `,${JSON.stringify(name)}:`, isSecret: isSecretName(name) };
  if (knownNames.size < maxKnownNames) knownNames.set(name, fresh);
  return fresh;
}

/** `,"name":value` of each field, without its secrets. Written by hand, since every request has a line. */
export function renderFields(fields: LogFields): string {
  let text = '';
  for (const name of Object.keys(fields)) {
    const { start, isSecret } = fieldName(name);
    const value = isSecret ? `"${hidden}"` : render(fields[name]);
    if (value !== undefined) text += start + value;
  }
  return text;
}

/** Undefined when JSON has no such value. */
function render(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return plain.test(value) ? `"${value}"` : JSON.stringify(redactValue(value));
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return undefined;
    case 'number':
      return JSON.stringify(value);
    default:
      return JSON.stringify(redactValue(value));
  }
}
