import type { PusherMetadata } from '../protocol/push-payload.ts';
import { listWindows } from './site-windows.ts';

/** Who received a notification and how; what `statePromise` resolves to. */
export interface DeviceState extends PusherMetadata {
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
  const [row, windows] = await Promise.all([readRow(instanceId), listWindows()]);
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

interface BeamsRow {
  readonly device_id: string | null;
  readonly user_id: string | null;
}

/** The one row that Beams' page script keeps for an instance: database `beams-<id>`, store `beams`, key `instance_id`. */
async function readRow(instanceId: string): Promise<BeamsRow | undefined> {
  const opening = indexedDB.open(`beams-${instanceId}`);
  // A database without the store would break the page script, which creates the store only in a new database.
  opening.onupgradeneeded = () => opening.result.createObjectStore('beams', { keyPath: 'instance_id' });
  const database = await settled(opening);
  try {
    return await settled<BeamsRow | undefined>(database.transaction('beams').objectStore('beams').get(instanceId));
  } finally {
    database.close();
  }
}

function settled<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB request failed'));
  });
}
