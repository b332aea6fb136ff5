/** Sorts before each UUID v7 of a time (milliseconds since 1970) or later, and after those of earlier ones (RFC 9562, section 5.7). */
export function firstUuidOf(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
