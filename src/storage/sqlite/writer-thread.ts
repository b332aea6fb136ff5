import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MasterKey } from '../../sealing/keyring.ts';
import { createSealer } from '../../sealing/sealer.ts';
import { runCommands, sizeAgain } from './command-engine.ts';
import { lazyConnection } from './lazy-connection.ts';
import { openForWriting } from './open-database.ts';
import { openProblem } from './open-problem.ts';
import { packReplies, unpackCalls } from './sent-calls.ts';
import type { Call, FromThread, ToThread } from './thread-protocol.ts';
import { asError } from './thread-protocol.ts';
import { createWriterMemory } from './writer-memory.ts';
import { prepareWriteHandlers } from './write-handlers.ts';

// Entry of the thread that owns the only connection that writes.
const port = parentPort;
if (!port) throw new Error('writer-thread is a worker, not a program');
const { file, sealsWith } = workerData as { readonly file: string; readonly sealsWith: MasterKey };
const memory = createWriterMemory();
const sealer = createSealer([sealsWith]);
const connection = lazyConnection(
  () => openForWriting(file),
  (db) => prepareWriteHandlers(db, memory, sealer),
);
const send = (message: FromThread) => port.postMessage(message);

const commitsPerSizing = 1_000;
let commits = 0;

port.on('message', (first: ToThread) => {
  // Group commit: whatever was queued during the last commit shares the next one.
  const calls: Call[] = [];
  let closing = false;
  for (let next: ToThread | undefined = first; next; next = receiveMessageOnPort(port)?.message as typeof next) {
    if (next === 'close') {
      closing = true;
      continue;
    }
    if (next.newKey) sealer.use([next.newKey]);
    calls.push(...unpackCalls(next));
  }
  if (calls.length > 0) commit(calls);
  if (closing) {
    connection.giveUp();
    port.close();
  }
});

function commit(calls: readonly Call[]): void {
  const startedAt = performance.now();
  const replies = runCommands(connection, memory.undoLog, calls);
  const items = calls.reduce((sum, { input }) => sum + input.length, 0);
  const written = replies.every(({ outcome }) => outcome.kind !== 'unavailable');
  const durationMs = performance.now() - startedAt;
  send({ kind: 'replies', replies: packReplies(calls, replies), commit: { items, durationMs, written } });
  commits += 1;
  if (commits % commitsPerSizing === 0) sizeAgain(connection);
}

try {
  connection.get();
  send({ kind: 'opened' });
} catch (error) {
  send({ kind: 'open-failed', error: asError(error), problem: openProblem(file, error) });
}
