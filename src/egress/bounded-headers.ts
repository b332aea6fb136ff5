import type { ResponseHeaders } from './exchange.ts';

/** In UTF-8, at most, of each of a string's UTF-16 units. */
const maxBytesPerUnit = 3;

/** Names and values as they came, the first ones that fit. Cookies are secrets of who set them, and are left out. */
export function boundedHeaders(headers: ResponseHeaders, maxBytes: number): Record<string, string> {
  const kept: Record<string, string> = {};
  let units = 0;
  for (const name in headers) {
    const values = headers[name];
    if (values === undefined || name === 'set-cookie') continue;
    const value = typeof values === 'string' ? values : values.join(', ');
    units += name.length + value.length;
    kept[name] = value;
  }
  // Bytes are counted only when it is close.
  return maxBytesPerUnit * units <= maxBytes ? kept : firstOf(kept, maxBytes);
}

function firstOf(headers: Readonly<Record<string, string>>, maxBytes: number): Record<string, string> {
  const kept: Record<string, string> = {};
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (bytes > maxBytes) break;
    kept[name] = value;
  }
  return kept;
}
