import type { DatabaseSync } from 'node:sqlite';
import type { PushOriginCommands, PushOriginQueries, PushOriginRecord } from '../../core/ports/push-origin-store.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';

export function preparePushOriginCommands(db: DatabaseSync): CommandHandlers<PushOriginCommands> {
  const upsert = prepare(
    db,
    `INSERT INTO push_origins (origin, state, since) VALUES (?, ?, ?)
     ON CONFLICT (origin) DO UPDATE SET state = excluded.state, since = excluded.since`,
  );
  const remove = prepare(db, 'DELETE FROM push_origins WHERE origin = ?');
  return {
    savePushOrigins: ({ origin, state, since }) => {
      if (state === 'normal') remove.run(origin);
      else upsert.run(origin, state, since);
      return 'saved';
    },
  };
}

export function preparePushOriginQueries(db: DatabaseSync): QueryHandlers<PushOriginQueries> {
  const list = prepare<PushOriginRecord>(db, 'SELECT origin, state, since FROM push_origins ORDER BY origin');
  return { listPushOrigins: () => list.all().map(({ origin, state, since }) => ({ origin, state, since })) };
}
