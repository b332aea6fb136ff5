import type { DestinationStream } from 'pino';
import { pino } from 'pino';

/** Longest text that waits, and for how long. */
const maxWaitingChars = 32_768;
const maxWaitMs = 20;
/** As much as a pipe takes at once on Linux. */
const maxWriteBytes = 65_536;

/**
 * Standard output, or another file, some lines at a time: a line costs as much to write alone as the request that it tells
 * of costs to read. A process that is killed loses the last lines.
 */
export function standardOutput(fileDescriptor = 1): DestinationStream {
  const stream = pino.destination({ dest: fileDescriptor, sync: true, maxWrite: maxWriteBytes });
  let waiting = '';
  let scheduled = false;
  const flush = (): void => {
    const text = waiting;
    waiting = '';
    if (text !== '') stream.write(text);
  };
  process.once('exit', flush);
  return {
    write(line) {
      waiting += line;
      if (waiting.length >= maxWaitingChars) flush();
      if (scheduled) return;
      scheduled = true;
      setTimeout(() => {
        scheduled = false;
        flush();
      }, maxWaitMs).unref();
    },
  };
}
