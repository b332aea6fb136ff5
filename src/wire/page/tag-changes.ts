import * as z from 'zod';
import { expected } from '../beams/decode-body.ts';
import { isPlainText } from '../beams/names.ts';
import { isJsonObject } from '../http/json-body.ts';

const maxKeyLength = 128;
const maxValueLength = 256;

const isKey = (key: string): boolean => key.length >= 1 && key.length <= maxKeyLength && isPlainText(key);
const isText = (text: string): boolean => text.length <= maxValueLength && isPlainText(text);
const isValue = (value: unknown): boolean =>
  value === null ||
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  (typeof value === 'string' && isText(value));

/** `{"tags"}`: values are kept as text, as OneSignal keeps them; null and an empty text remove a tag. */
export const tagChanges = (maxTags: number) =>
  z.object({
    tags: z
      .custom<Readonly<Record<string, string | number | boolean | null>>>(
        (tags) =>
          isJsonObject(tags) &&
          Object.keys(tags).length <= maxTags &&
          Object.entries(tags).every(([key, value]) => isKey(key) && isValue(value)),
        {
          error: expected(
            `an object of at most ${maxTags} tags: keys of 1 to ${maxKeyLength} characters, values that are null or texts, numbers or booleans of at most ${maxValueLength} characters`,
          ),
        },
      )
      .transform((tags) =>
        Object.fromEntries(
          Object.entries(tags).map(([key, value]) => [key, value === null || value === '' ? null : String(value)]),
        ),
      ),
  });
