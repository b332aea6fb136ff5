import { parentPort, workerData } from 'node:worker_threads';
import { openForReading } from './open-database.ts';

// Entry of a thread that lives for one backup: writers and readers go on beside it.
const { file, target } = workerData as { readonly file: string; readonly target: string };
const db = openForReading(file);
try {
  // One read transaction: the copy is what was committed when it began. Pages that hold erased rows are not copied.
  db.prepare('VACUUM INTO ?').run(target);
} finally {
  db.close();
}
parentPort?.postMessage('done');
