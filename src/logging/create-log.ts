import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import type { Log } from '../core/ports/log.ts';
import { redact } from './redact.ts';
import { standardOutput } from './standard-output.ts';

export interface LogOptions {
  readonly level: 'info' | 'warn' | 'error';
  /** Standard output by default. */
  readonly destination?: DestinationStream;
}

/** JSON lines: `{"level": "info", "time": "2026-01-31T12:00:00.000Z", "event": "publish.accepted", …}`. */
export function createLog({ level, destination = standardOutput() }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const write =
    (severity: LogOptions['level']) =>
    (event: string, fields: Parameters<Log['info']>[1] = {}): void => {
      if (logger.isLevelEnabled(severity)) logger[severity]({ event, ...redact(fields) });
    };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}
