import type { DatabaseSync } from 'node:sqlite';

/** A connection with what was prepared on it. */
export interface Opened<Handlers> {
  readonly db: DatabaseSync;
  readonly handlers: Handlers;
}

/** A connection that is opened when it is asked for, and again after it was given up. */
export interface LazyConnection<Handlers> {
  get(): Opened<Handlers>;
  /** After an error of the whole database: the next `get` opens anew. */
  giveUp(): void;
}

export function lazyConnection<Handlers>(
  open: () => DatabaseSync,
  prepareHandlers: (db: DatabaseSync) => Handlers,
): LazyConnection<Handlers> {
  let opened: Opened<Handlers> | null = null;
  return {
    get: () => {
      if (opened) return opened;
      const db = open();
      try {
        opened = { db, handlers: prepareHandlers(db) };
      } catch (error) {
        db.close();
        throw error;
      }
      return opened;
    },
    giveUp: () => {
      const db = opened?.db;
      opened = null;
      db?.close();
    },
  };
}
