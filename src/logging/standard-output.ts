import type { DestinationStream } from 'pino';
import { pino } from 'pino';

/** Longest text that waits, and for how long. */
const maxWaitingChars = 8_192;
const maxWaitMs = 20;

/**
 * Standard output, some lines at a time: a line costs as much to write alone as the request that it tells of costs to
 * read. A process that is killed loses the last lines.
 */
export function standardOutput(): DestinationStream {
  const stream = pino.destination({ dest: 1, minLength: maxWaitingChars, sync: true });
  let scheduled = false;
  process.once('exit', () => stream.flush());
  return {
    write(line) {
      stream.write(line);
      if (scheduled) return;
      scheduled = true;
      setTimeout(() => {
        scheduled = false;
        stream.flush();
      }, maxWaitMs).unref();
    },
  };
}
