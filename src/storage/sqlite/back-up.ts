import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { Backup } from '../../core/ports/backup.ts';

/** What a backup under way is called beside the database; a killed process leaves it behind. */
export const backupFilePattern = /^backup-[0-9a-f-]{36}\.tmp$/;

/**
 * Copies the database to a file beside it without stopping anybody, and gives what is in it. Needs as much space as the
 * database, and rejects when it is not there. Everything committed before the call is in the copy.
 */
export async function backUp(databaseFile: string, folder: string): Promise<Backup> {
  const target = `${folder}/backup-${randomUUID()}.tmp`;
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  try {
    const worker = new Worker(new URL(`./backup-thread.${extension}`, import.meta.url), {
      workerData: { file: databaseFile, target },
    });
    // Rejects with the error of the thread.
    await once(worker, 'message');
    await worker.terminate();
    const handle = await open(target, 'r');
    const { size } = await handle.stat();
    return { bytes: size, stream: handle.createReadStream() };
  } finally {
    // An open file can be read to its end without a name.
    await rm(target, { force: true });
  }
}
