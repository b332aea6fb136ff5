import type { Store, StoreQueries } from '../../core/ports/store.ts';
import type { QueryHandlers } from './commands.ts';
import { credentialsQueries } from './credentials.ts';
import { devicePageQueries } from './device-page.ts';
import { deviceQueries } from './devices.ts';
import { nextDue } from './due-times.ts';
import { instanceQueries } from './instances.ts';
import { messageQueries } from './message-queries.ts';
import { publishQueries } from './publish-queries.ts';
import { pushOriginQueries } from './push-origins.ts';
import { queueQueries } from './queue-sizes.ts';
import { replayQueries } from './replays.ts';
import { reportQueries } from './reports.ts';
import { sealedQueries } from './sealed-values.ts';

/** The feed is read in as many transactions as it takes. */
export type ReadHandlers = QueryHandlers<Omit<StoreQueries, 'readFeed'> & Pick<Store, 'nextDue'>>;

export const createQueryHandlers = (): ReadHandlers => ({
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
  nextDue,
});
