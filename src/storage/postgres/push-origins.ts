import type { PushOriginCommands, PushOriginQueries, PushOriginRecord } from '../../core/ports/push-origin-store.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { each } from './handlers.ts';

const upsert = `INSERT INTO push_origins (origin, state, since) VALUES ($1, $2, $3)
  ON CONFLICT (origin) DO UPDATE SET state = excluded.state, since = excluded.since`;

export const pushOriginCommands: CommandHandlers<PushOriginCommands> = {
  savePushOrigins: each(async (sql, { origin, state, since }) => {
    if (state === 'normal') await sql.run('DELETE FROM push_origins WHERE origin = $1', [origin]);
    else await sql.run(upsert, [origin, state, since]);
    return 'saved' as const;
  }),
};

export const pushOriginQueries: QueryHandlers<PushOriginQueries> = {
  listPushOrigins: (sql) => sql.all<PushOriginRecord>('SELECT origin, state, since FROM push_origins ORDER BY origin'),
};
