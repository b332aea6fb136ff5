import { readBeamsRow } from '../browser/beams-row.ts';
import type { PusherMetadata } from '../protocol/push-payload.ts';
import { listWindows } from './site-windows.ts';

/** Who received a notification and how; what `statePromise` resolves to. */
export interface DeviceState extends Omit<PusherMetadata, 'relayedEvents'> {
  /** `web-<uuid>`, or null when the page script has not registered this browser. */
  readonly deviceId: string | null;
  readonly userId: string | null;
  readonly appInBackground: boolean;
}

/**
 * State of this browser at this moment, or undefined for a push that names no publish and so cannot be reported.
 * Rejects when the database cannot be read.
 */
export async function readDeviceState(metadata: PusherMetadata): Promise<DeviceState | undefined> {
  const { instanceId, publishId, hasDisplayableContent, hasData } = metadata;
  if (!instanceId || !publishId) return undefined;
  const [row, windows] = await Promise.all([readBeamsRow(instanceId), listWindows()]);
  return {
    instanceId,
    publishId,
    deviceId: row?.device_id ?? null,
    userId: row?.user_id ?? null,
    appInBackground: !windows.some((window) => window.visibilityState === 'visible'),
    hasDisplayableContent,
    hasData,
  };
}
