import type { OutboxItem } from '../browser/outbox-item.ts';

/** A request to our server, which says 4xx only to what would never be right. */
export const jsonRequest = (method: OutboxItem['method'], url: string, body: object): OutboxItem => ({
  url,
  method,
  mode: 'cors',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
  endsOnRefusal: true,
});
