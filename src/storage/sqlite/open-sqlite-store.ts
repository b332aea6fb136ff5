import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../../core/ports/command.ts';
import type { Commit } from '../../core/ports/metrics.ts';
import type { Store, StoreCommands, StoreQueries } from '../../core/ports/store.ts';
import type { MasterKey } from '../../sealing/keyring.ts';
import type { KeyringSealer } from '../../sealing/sealer.ts';
import { runCommands } from './command-engine.ts';
import { queriesWithLeases } from './lease-queries.ts';
import { lazyConnection } from './lazy-connection.ts';
import { migrate } from './migrate.ts';
import { packedCommands } from './packed-commands.ts';
import { runQuery } from './query-engine.ts';
import { prepareReadHandlers } from './read-handlers.ts';
import type { Send } from './storage-thread.ts';
import { StorageThread } from './storage-thread.ts';
import type { Call, Outcome } from './thread-protocol.ts';
import { doneValue } from './thread-protocol.ts';
import { createWriterMemory } from './writer-memory.ts';
import { prepareWriteHandlers } from './write-handlers.ts';

export interface SqliteStoreOptions {
  /** Path of the database, created when missing; its folder exists. `:memory:`: in this thread, gone when closed. */
  readonly file: string;
  /** Of what is sealed where it is written. */
  readonly sealer: Pick<KeyringSealer, 'seal' | 'sealsWith'>;
  /** Items that may wait for the commit; beyond it commands reject with `StoreUnavailable`. */
  readonly maxPendingItems?: number;
  /** Called after each transaction; not for `:memory:`. */
  readonly onCommit?: (commit: Commit) => void;
}

const commandNames = Object.keys({
  createInstances: true,
  updateInstances: true,
  saveCredentials: true,
  deleteCredentials: true,
  announceExpiring: true,
  replaceSecretKeys: true,
  createWebhooks: true,
  updateWebhooks: true,
  deleteWebhooks: true,
  dropMessages: true,
  registerDevices: true,
  updateDeviceAddresses: true,
  removeDevices: true,
  updateDeviceMetadata: true,
  setDeviceUsers: true,
  replaceInterests: true,
  addInterests: true,
  removeInterests: true,
  eraseUsers: true,
  setDeviceAliases: true,
  muteDevices: true,
  changeTags: true,
  acceptPublishes: true,
  cancelPublishes: true,
  claimRanges: true,
  recordPages: true,
  claimDeliveries: true,
  completeDeliveries: true,
  savePushOrigins: true,
  recordReports: true,
  countIgnoredReports: true,
  claimMessages: true,
  holdMessages: true,
  completeAttempts: true,
  completeBatches: true,
  resendMessages: true,
  createReplays: true,
  cancelReplays: true,
  stepReplays: true,
  dropExpiredDays: true,
  deleteExpired: true,
  reseal: true,
} satisfies Record<keyof StoreCommands, true>);

const queryNames = Object.keys({
  findInstance: true,
  listInstances: true,
  findCredentials: true,
  listExpiringCredentials: true,
  findWebhook: true,
  listWebhooks: true,
  listDeletedWebhooks: true,
  findDevice: true,
  listInterests: true,
  listTags: true,
  readAudiencePage: true,
  summarizePublish: true,
  viewPublish: true,
  listPublishes: true,
  listPushOrigins: true,
  listIgnoredReports: true,
  readFeed: true,
  listMessages: true,
  findMessage: true,
  countAhead: true,
  restsUntil: true,
  listTurns: true,
  findWebhookHealth: true,
  listAttempts: true,
  listBatch: true,
  listReplays: true,
  listUrlTargets: true,
  findReplay: true,
  listSealed: true,
  measureLoad: true,
  nextDue: true,
} satisfies Record<keyof StoreQueries | 'nextDue', true>);

/**
 * Opens the store, creating or migrating the database. One thread writes and commits what has queued up, another one
 * answers queries. Only one process may have the file open: the caller holds a lock. So claims that are found in it are
 * nobody's, and what they held is due at once.
 * Rejects with an `OperatorProblem` when the database cannot be opened or was written by a newer version.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { file, sealer, maxPendingItems = 10_000, onCommit = () => {} } = options;
  if (file === ':memory:') return openMemoryStore(sealer);
  const thread = (name: 'writer-thread' | 'reader-thread', sealsWith?: () => MasterKey) => {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    return new StorageThread({
      entry: new URL(`./${name}.${extension}`, import.meta.url),
      file,
      ...(sealsWith && { sealsWith }),
      maxPendingItems,
      onCommit,
    });
  };
  const writer = thread('writer-thread', () => sealer.sealsWith());
  const reader = thread('reader-thread');
  const close = async () => {
    // The writer last: the connection that closes last moves the log into the database.
    await reader.close();
    await writer.close();
  };
  try {
    await Promise.all([writer.start(), reader.start()]);
    // On a disk that takes no writes the leases run out by themselves.
    await writer.call('releaseAbandonedClaims', [null], 1).catch(ignoreUnavailable);
  } catch (error) {
    await close();
    throw error;
  }
  return toStore({
    write: (...call) => writer.call(...call),
    read: (...call) => reader.call(...call),
    close,
  });
}

function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof StoreUnavailable)) throw error;
}

function openMemoryStore(sealer: SqliteStoreOptions['sealer']): Store {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  const memory = createWriterMemory();
  const writes = lazyConnection(
    () => db,
    () => prepareWriteHandlers(db, memory, sealer),
  );
  const reads = lazyConnection(() => db, prepareReadHandlers);
  let lastId = 0;
  const inOrder =
    (run: (call: Call) => Outcome): Send =>
    async (name, input) => {
      if (!db.isOpen) throw new StoreUnavailable('the store is closed');
      return valueOf(run({ id: ++lastId, name, input }));
    };
  return toStore({
    write: inOrder((call) => firstOutcome(runCommands(writes, memory.undoLog, [call]))),
    read: inOrder((call) => runQuery(reads, call).outcome),
    close: async () => {
      if (db.isOpen) db.close();
    },
  });
}

function firstOutcome([reply]: readonly { readonly outcome: Outcome }[]): Outcome {
  if (!reply) throw new Error('a call was not answered');
  return reply.outcome;
}

function valueOf(outcome: Outcome): unknown {
  if (outcome.kind === 'done' || outcome.kind === 'all-done') return doneValue(outcome);
  throw outcome.kind === 'error' ? outcome.error : new StoreUnavailable(outcome.reason);
}

function toStore(engine: { write: Send; read: Send; close(): Promise<void> }): Store {
  const commands = commandNames.map((name) => [
    name,
    (items: readonly unknown[]) => engine.write(name, items, items.length),
  ]);
  const queries = queryNames.map((name) => [name, (...args: readonly unknown[]) => engine.read(name, args, 1)]);
  return {
    ...(Object.fromEntries([...commands, ...queries]) as StoreCommands & StoreQueries & Pick<Store, 'nextDue'>),
    ...packedCommands(engine.write),
    ...queriesWithLeases(engine),
    check: async () => {
      const [result] = (await engine.write('checkWriting', [null], 1)) as { ok: boolean; error?: Error }[];
      if (!result?.ok) throw new StoreUnavailable('the write check failed', { cause: result?.error });
    },
    close: () => engine.close(),
  };
}
