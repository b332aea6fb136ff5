import type { DestinationStream } from 'pino';
import { pino } from 'pino';

/** Longest text that waits. */
const maxWaitingChars = 8_192;

/**
 * Standard output, written once a turn of the event loop: under load a line costs more to write alone than the request
 * that it tells of. A process that is killed loses the lines of that turn.
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
      setImmediate(() => {
        scheduled = false;
        stream.flush();
      });
    },
  };
}
