import type { Store } from '../../core/ports/store.ts';
import type { Sql } from './database.ts';
import { nextTurn } from './message-claims.ts';

type DueTimes = Awaited<ReturnType<Store['nextDue']>>;

const findDue = `
  SELECT (SELECT min(due_at) FROM ranges WHERE pages >= 0) - pharos_now() AS ranges,
         (SELECT min(due_at) FROM deferred_deliveries) - pharos_now() AS deliveries,
         (SELECT min(due_at) FROM replays WHERE due_at IS NOT NULL) - pharos_now() AS replays`;

const wait = (ms: number | null): number | null => (ms === null ? null : Math.max(0, ms));

export const createNextDue =
  (storeId: string) =>
  async (sql: Sql): Promise<DueTimes> => {
    const due = await sql.get<Omit<DueTimes, 'messages'>>(findDue);
    return {
      ranges: wait(due?.ranges ?? null),
      deliveries: wait(due?.deliveries ?? null),
      messages: wait(await nextTurn(sql, storeId)),
      replays: wait(due?.replays ?? null),
    };
  };
