import { isUuid } from '../../protocol/ids.ts';
import { invalid } from './invalid-field.ts';
import type { InvalidField } from './invalid-field.ts';

const maxNameLength = 100;
const maxOrigins = 100;
const maxOverlapSeconds = 30 * 86_400;

export const checkName = (name: string): InvalidField | null =>
  name.trim() !== '' && name.length <= maxNameLength
    ? null
    : invalid('name', `a text of 1 to ${maxNameLength} characters`);

/** Swift's client parses the id as a UUID. */
export const checkInstanceId = (id: string): InvalidField | null =>
  isUuid(id) ? null : invalid('id', 'a UUID in lower case');

/** It travels in `Authorization: Bearer` and signs user tokens (HS256). */
export const checkSecretKey = (secretKey: string): InvalidField | null =>
  /^[\x21-\x7e]{32,256}$/.test(secretKey)
    ? null
    : invalid('secretKey', '32 to 256 printable ASCII characters without blanks');

/** While two keys work, whoever has the old one gets in. */
export const checkOverlap = (overlapSeconds: number): InvalidField | null =>
  Number.isInteger(overlapSeconds) && overlapSeconds >= 0 && overlapSeconds <= maxOverlapSeconds
    ? null
    : invalid('overlapSeconds', `a whole number from 0 to ${maxOverlapSeconds}`);

export function checkOrigins(origins: readonly string[] | null): InvalidField | null {
  if (origins === null || (origins.length <= maxOrigins && origins.every(isOrigin))) return null;
  return invalid('allowedOrigins', `null or at most ${maxOrigins} origins like "https://www.example.com"`);
}

/** As browsers send it in `Origin`: scheme, host and port in lower case, nothing more (RFC 6454, section 6.2). */
const isOrigin = (text: string): boolean =>
  /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
