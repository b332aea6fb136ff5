import type { OutboxItem } from '../browser/outbox-item.ts';
import { jsonRequest } from './json-request.ts';
import type { Occurrence } from './occurrence.ts';

/** Our own reports (`docs/wire/page-api.md`); null for a browser that no page has registered. */
export function pageReport({ kind, state, action, openedUrl }: Occurrence, origin: string): OutboxItem | null {
  if (!state?.deviceId) return null;
  const { instanceId, publishId, deviceId } = state;
  return jsonRequest('POST', `${origin}/page_api/v1/instances/${instanceId}/reports`, {
    event: kind,
    publishId,
    deviceId,
    timestampSecs: Math.floor(Date.now() / 1000),
    ...(kind === 'clicked' && { action, url: openedUrl }),
  });
}
