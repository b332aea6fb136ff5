import type { ResponseHeaders } from './exchange.ts';

/** In UTF-8, at most, of each of a string's UTF-16 units. */
const maxBytesPerUnit = 3;

/** Names and values as they came, the first ones that fit. Cookies are secrets of who set them, and are left out. */
export function boundedHeaders(headers: ResponseHeaders, maxBytes: number): Readonly<Record<string, string>> {
  if (isPlain(headers, maxBytes)) return headers;
  const kept: Record<string, string> = {};
  let bytes = 0;
  for (const [name, values] of Object.entries(headers)) {
    if (values === undefined || name === 'set-cookie') continue;
    const value = typeof values === 'string' ? values : values.join(', ');
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (bytes > maxBytes) break;
    kept[name] = value;
  }
  return kept;
}

/** Most are: nothing to leave out, and so few that bytes need not be counted. */
function isPlain(headers: ResponseHeaders, maxBytes: number): headers is Readonly<Record<string, string>> {
  let units = 0;
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== 'string' || name === 'set-cookie') return false;
    units += name.length + value.length;
  }
  return maxBytesPerUnit * units <= maxBytes;
}
