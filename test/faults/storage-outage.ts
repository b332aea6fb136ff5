import { startFrozenWire } from '../support/frozen-wire.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { createMigratedDatabase } from '../support/postgres.ts';
import { storage } from '../support/storage.ts';
import { makeSmallDisk } from './small-disk.ts';

/** The storage of a server, which can be made to take nothing for a while. */
export interface StorageOutage {
  /** How the server is started whose storage it is. */
  readonly options: { readonly parentFolder?: string; readonly databaseUrl?: string };
  begin(pharos: PharosProcess): void;
  end(pharos: PharosProcess): void;
  /** Once the server is gone. */
  remove(): Promise<void>;
}

/** In the storage of this run: a disk of so many megabytes for SQLite that is full, a way to PostgreSQL on which nothing passes. */
export async function prepareOutage(megabytes: number): Promise<StorageOutage> {
  if (storage === 'sqlite') {
    const disk = makeSmallDisk(megabytes);
    return {
      options: { parentFolder: disk.folder },
      begin: (pharos) => disk.fill(pharos),
      end: (pharos) => disk.free(pharos),
      remove: async () => disk.remove(),
    };
  }
  const database = await createMigratedDatabase();
  const url = new URL(database.url);
  const wire = await startFrozenWire(Number(url.port), url.hostname);
  Object.assign(url, { hostname: '127.0.0.1', port: String(wire.port) });
  return {
    options: { databaseUrl: url.href },
    begin() {
      wire.freeze();
      // What is on its way is lost: whoever waits for it learns at once that it will not come.
      wire.cut();
    },
    end: () => wire.thaw(),
    async remove() {
      await wire.close();
      await database.drop();
    },
  };
}
