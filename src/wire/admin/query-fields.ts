import { z } from 'zod';
import { isUuid, parsePublishId } from '../../protocol/ids.ts';

/** Fields that several requests have. */

export const uuid = z.string().refine(isUuid, 'must be a UUID in lower case');

/** The bare UUID of a publish. */
export const publishId = z.string().transform((text, context) => {
  const id = parsePublishId(text);
  if (id === null) context.addIssue({ code: 'custom', message: 'must be a publish id like "pubid-<uuid>"' });
  return id ?? z.NEVER;
});

/** ISO 8601 with a zone, as milliseconds since 1970. */
export const time = z.iso
  .datetime({ offset: true, error: 'must be a time like "2026-01-31T12:00:00Z"' })
  .transform((text) => Date.parse(text));

const pageSizeWords = (max: number): string => `must be a whole number from 1 to ${max}`;

/** `limit` of a page. */
export const pageSize = (max: number) =>
  z.coerce
    .number({ error: pageSizeWords(max) })
    .refine((limit) => Number.isInteger(limit) && limit >= 1 && limit <= max, pageSizeWords(max));
