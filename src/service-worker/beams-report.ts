import type { OutboxItem } from '../browser/outbox-item.ts';
import type { DeviceState } from './device-state.ts';
import { jsonRequest } from './json-request.ts';

/** Beams' reports; null for a browser that no page has registered. */
export function beamsReport(
  event: 'delivery' | 'open',
  origin: string,
  state: DeviceState | undefined,
): OutboxItem | null {
  if (!state?.deviceId) return null;
  const { instanceId, ...report } = state;
  return jsonRequest('POST', `${origin}/reporting_api/v2/instances/${instanceId}/events`, {
    ...report,
    event,
    timestampSecs: Math.floor(Date.now() / 1000),
  });
}
