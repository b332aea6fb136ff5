import type { z } from 'zod';
import { AdminFailure } from './admin-failure.ts';

/** The input as the schema gives it; throws what is wrong, all of it, in words that name the fields. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const sentences = parsed.error.issues.map(({ path, message }) => `\`${path.join('.') || 'body'}\`: ${message}.`);
  throw new AdminFailure('invalid-request', sentences.join(' '));
}
