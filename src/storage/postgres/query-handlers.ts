import type { StoreQueries } from '../../core/ports/store.ts';
import type { QueryHandlers } from './commands.ts';
import { messageQueries } from './message-queries.ts';
import { replayQueries } from './replays.ts';

export type ReadHandlers = QueryHandlers<StoreQueries>;

export const createQueryHandlers = (): Partial<ReadHandlers> => ({
  ...messageQueries,
  ...replayQueries,
});
