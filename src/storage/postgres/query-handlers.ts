import type { Store, StoreQueries } from '../../core/ports/store.ts';
import { credentialsQueries } from './credentials.ts';
import { devicePageQueries } from './device-page.ts';
import { deviceQueries } from './devices.ts';
import { createNextDue } from './due-times.ts';
import type { QueryHandlers } from './handlers.ts';
import { instanceQueries } from './instances.ts';
import { createTurnQueries } from './message-claims.ts';
import { messageQueries } from './message-queries.ts';
import { publishQueries } from './publish-queries.ts';
import { pushOriginQueries } from './push-origins.ts';
import { queueQueries } from './queue-sizes.ts';
import { replayQueries } from './replays.ts';
import { reportQueries } from './reports.ts';
import { sealedQueries } from './sealed-values.ts';

/** The feed is read in as many transactions as it takes. */
export type ReadHandlers = QueryHandlers<Omit<StoreQueries, 'readFeed'> & Pick<Store, 'nextDue'>>;

/** `storeId`: a UUID of the store that runs them, among those that share the database. */
export const createQueryHandlers = (storeId: string): ReadHandlers => ({
  ...credentialsQueries,
  ...deviceQueries,
  ...devicePageQueries,
  ...instanceQueries,
  ...messageQueries,
  ...publishQueries,
  ...pushOriginQueries,
  ...queueQueries,
  ...replayQueries,
  ...reportQueries,
  ...sealedQueries,
  ...createTurnQueries(storeId),
  nextDue: createNextDue(storeId),
});
