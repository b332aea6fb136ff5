import type { ResponseHeaders } from './exchange.ts';

/** Names and values as they came, the first ones that fit. Cookies are secrets of who set them, and are left out. */
export function boundedHeaders(headers: ResponseHeaders, maxBytes: number): Record<string, string> {
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
