import type { z } from 'zod';
import { AdminFailure } from './admin-failure.ts';

/** The input as the schema gives it; throws what is wrong, all of it, in words that name the fields. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input, { error: words });
  if (parsed.success) return parsed.data;
  const sentences = parsed.error.issues.map(({ code, path, message }) =>
    code === 'unrecognized_keys' ? message : `\`${path.join('.') || 'body'}\`: ${message}.`,
  );
  throw new AdminFailure('invalid-request', sentences.join(' '));
}

const types: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** What schemas do not word themselves: the library's own words are for programmers. */
function words(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const fields = issue.keys.map((key) => `\`${key}\``).join(', ');
      return issue.keys.length === 1 ? `There is no field ${fields} here.` : `There are no fields ${fields} here.`;
    }
    case 'invalid_type':
      return `must be ${types[issue.expected] ?? 'another value'}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    default:
      return 'must be another value';
  }
}
