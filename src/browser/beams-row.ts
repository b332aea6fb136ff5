import { settled } from './settled.ts';

/**
 * The one row that Beams' page script keeps for an instance: database `beams-<id>`, store `beams`, key `instance_id`.
 * Our page script keeps the device there as well, so that a site can change scripts, either way, and keep its devices.
 */
export interface BeamsRow {
  readonly instance_id: string;
  /** `web-<uuid>` */
  readonly device_id: string | null;
  /** `btoa` of the push subscription's JSON. */
  readonly token: string | null;
  readonly user_id: string | null;
}

const prefix = 'beams-';

/** Rejects when the database cannot be read. */
export const readBeamsRow = (instanceId: string): Promise<BeamsRow | undefined> =>
  withStore(instanceId, 'readonly', (store) => store.get(instanceId) as IDBRequest<BeamsRow | undefined>);

/** Fields that are left out stay as they are. */
export async function writeBeamsRow(instanceId: string, changes: Partial<BeamsRow>): Promise<void> {
  const row = await readBeamsRow(instanceId);
  const empty = { instance_id: instanceId, device_id: null, token: null, user_id: null };
  await withStore(instanceId, 'readwrite', (store) => store.put({ ...empty, ...row, ...changes }));
}

/** Instances that this browser has ever had a device of. */
export async function listBeamsInstances(): Promise<string[]> {
  const databases = await indexedDB.databases();
  return databases.flatMap(({ name }) => (name?.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}

async function withStore<Result>(
  instanceId: string,
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const opening = indexedDB.open(prefix + instanceId);
  // A database without the store would break Beams' page script, which creates the store only in a new database.
  opening.onupgradeneeded = () => opening.result.createObjectStore('beams', { keyPath: 'instance_id' });
  const database = await settled(opening);
  try {
    return await settled(work(database.transaction('beams', mode).objectStore('beams')));
  } finally {
    database.close();
  }
}
