import type { DestinationStream } from 'pino';
import type { Log } from '../core/ports/log.ts';
import { renderFields } from './render-fields.ts';
import { standardOutput } from './standard-output.ts';

const levels = ['info', 'warn', 'error'] as const;
type Level = (typeof levels)[number];

export interface LogOptions {
  readonly level: Level;
  /** Standard output by default. */
  readonly destination?: DestinationStream;
}

/** JSON lines: `{"level": "info", "time": "2026-01-31T12:00:00.000Z", "event": "publish.accepted", …}`. */
export function createLog({ level, destination = standardOutput() }: LogOptions): Log {
  const isoTime = rememberedIsoTime();
  const write = (severity: Level): Log[Level] => {
    if (levels.indexOf(severity) < levels.indexOf(level)) return () => {};
    const start = `{"level":"${severity}","time":"`;
    return (event, fields = {}) => {
      destination.write(`${start}${isoTime()}","event":${JSON.stringify(event)}${renderFields(fields)}}\n`);
    };
  };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}

/** Many lines are of the same millisecond. */
function rememberedIsoTime(): () => string {
  let at = Number.NaN;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      text = new Date(now).toISOString();
    }
    return text;
  };
}
