import type { StoreQueries } from '../../core/ports/store.ts';
import type { QueryHandlers } from './commands.ts';

export type ReadHandlers = QueryHandlers<StoreQueries>;

export const createQueryHandlers = (): Partial<ReadHandlers> => ({});
