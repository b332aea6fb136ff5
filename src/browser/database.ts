import { settled } from './settled.ts';

/**
 * The database `pharos` of a site, shared by its pages and its worker, which may be of different releases. So that each
 * reads what the other wrote:
 * - nobody asks for a version: whatever is there is opened, also when a newer release has made it;
 * - a release that misses a store adds it, under the next number; stores are never removed or given another key;
 * - a record's fields are never given another meaning, and a reader does without those that it misses.
 */
const name = 'pharos';

type Definition = { readonly keyPath: string; readonly autoIncrement?: boolean; readonly indexes: readonly string[] };

const definitions = {
  /** `InstanceRecord`: what the page last said. */
  instances: { keyPath: 'instanceId', indexes: [] },
  /** `NotificationRecord`: what became of each notification. */
  notifications: { keyPath: 'publishId', indexes: ['at'] },
  /** `OutboxItem`: requests that wait to be sent. */
  outbox: { keyPath: 'sequence', autoIncrement: true, indexes: ['url'] },
} as const satisfies Record<string, Definition>;
export type StoreName = keyof typeof definitions;

let opening: Promise<IDBDatabase> | null = null;

function open(version?: number): Promise<IDBDatabase> {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => {
    for (const [store, { indexes, ...options }] of Object.entries<Definition>(definitions)) {
      if (request.result.objectStoreNames.contains(store)) continue;
      const created = request.result.createObjectStore(store, options);
      for (const index of indexes) created.createIndex(index, index);
    }
  };
  return settled(request);
}

async function connect(): Promise<IDBDatabase> {
  let database = await open();
  if (Object.keys(definitions).some((store) => !database.objectStoreNames.contains(store))) {
    const { version } = database;
    database.close();
    database = await open(version + 1);
  }
  // Another release may want to add its stores.
  database.onversionchange = () => {
    database.close();
    opening = null;
  };
  database.onclose = () => (opening = null);
  return database;
}

/** Runs `work` in one transaction; what it awaits must be requests of that transaction. Resolves once it is committed. */
export async function transact<Result>(
  stores: readonly StoreName[],
  mode: IDBTransactionMode,
  work: (store: (name: StoreName) => IDBObjectStore) => Promise<Result>,
): Promise<Result> {
  opening ??= connect().catch((error: unknown) => {
    opening = null;
    throw error;
  });
  const transaction = (await opening).transaction(stores, mode);
  const committed = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB transaction aborted'));
  });
  const [result] = await Promise.all([work((store) => transaction.objectStore(store)), committed]);
  return result;
}
