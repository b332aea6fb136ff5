import { beams } from './beams-global.ts';
import type { DeviceState } from './device-state.ts';
import { scriptOrigin } from './script-origin.ts';

const ownOrigin = scriptOrigin();

/** Tells the server what happened. Best effort, as with Beams: it never rejects, so that it never harms the display. */
export async function reportEvent(
  event: 'delivery' | 'open',
  reading: Promise<DeviceState | undefined>,
): Promise<void> {
  try {
    const state = await reading;
    if (!state?.deviceId) return;
    const { instanceId, ...report } = state;
    const origin = beams.endpointOverride || ownOrigin;
    await fetch(`${origin}/reporting_api/v2/instances/${instanceId}/events`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...report, event, timestampSecs: Math.floor(Date.now() / 1000) }),
    });
  } catch (error) {
    console.warn(`Pharos: the ${event} report was not sent.`, error);
  }
}
