import * as z from 'zod';
import type { JsonObject } from '../../protocol/json.ts';
import { isJsonObject } from '../http/json-body.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { refuse } from './beams-answer.ts';
import type { BeamsErrorCode } from './beams-errors.ts';

/**
 * Error message of a schema: the recorded "`interests`: interests is required" when the field is missing, else
 * "expected …" in the same manner.
 */
export const expected =
  (what: string) =>
  (issue: { readonly input?: unknown; readonly path?: readonly PropertyKey[] | undefined }): string =>
    issue.input === undefined ? `${String(issue.path?.at(-1) ?? 'body')} is required` : `expected ${what}`;

export type Decoded<Value> = { readonly value: Value } | { readonly refusal: BeamsAnswer };

/** A body by its schema; the first mismatch is described. `required` lists fields whose absence has an error of its own. */
export function decodeBody<Value>(
  schema: z.ZodType<Value>,
  body: unknown,
  required: { readonly fields: readonly string[]; readonly code: BeamsErrorCode } | null = null,
): Decoded<Value> {
  if (!isJsonObject(body)) return { refusal: refuse('body-not-object') };
  const missing = required?.fields.find((field) => body[field] === undefined || body[field] === null);
  if (required && missing !== undefined) {
    return { refusal: refuse(required.code, `\`${missing}\`: ${missing} is required`) };
  }
  const result = schema.safeParse(body);
  if (result.success) return { value: result.data };
  const [issue] = result.error.issues;
  const field = issue?.path.map(String).join('.') || '(root)';
  return { refusal: refuse('wrong-schema', `\`${field}\`: ${issue?.message}`) };
}

export const jsonObject = z.custom<JsonObject>(isJsonObject, { error: expected('an object') });
