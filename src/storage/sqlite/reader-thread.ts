import { parentPort, workerData } from 'node:worker_threads';
import { lazyConnection } from './lazy-connection.ts';
import { openForReading } from './open-database.ts';
import { runQuery } from './query-engine.ts';
import { prepareReadHandlers } from './read-handlers.ts';
import { unpackCalls } from './sent-calls.ts';
import type { FromThread, ToThread } from './thread-protocol.ts';

// Entry of the thread that answers queries, so that they never wait for commits.
const port = parentPort;
if (!port) throw new Error('reader-thread is a worker, not a program');
const { file } = workerData as { readonly file: string };
const connection = lazyConnection(() => openForReading(file), prepareReadHandlers);
const send = (message: FromThread) => port.postMessage(message);

port.on('message', (message: ToThread) => {
  if (message === 'close') {
    connection.giveUp();
    port.close();
    return;
  }
  for (const call of unpackCalls(message)) {
    send({ kind: 'replies', replies: { json: '', cloned: [runQuery(connection, call)] }, commit: null });
  }
});

// The database is opened by the first query: this script loads while the writer still migrates.
send({ kind: 'opened' });
