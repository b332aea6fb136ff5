import type { DatabaseSync } from 'node:sqlite';
import { prepareCredentialsQueries } from './credentials.ts';
import { prepareDevicePageQueries } from './device-page.ts';
import { prepareDeviceQueries } from './devices.ts';
import { prepareNextDue } from './due-times.ts';
import { prepareFeedQueries } from './feed.ts';
import { prepareInstanceQueries } from './instances.ts';
import { prepareMessageQueries } from './message-queries.ts';
import { preparePublishQueries } from './publish-queries.ts';
import { preparePushOriginQueries } from './push-origins.ts';
import { prepareQueueQueries } from './queue-sizes.ts';
import { prepareReplayQueries } from './replays.ts';
import { prepareSealedQueries } from './sealed-values.ts';
import { prepareReportQueries } from './reports.ts';
import type { ReadHandlers } from './query-engine.ts';

export const prepareReadHandlers = (db: DatabaseSync): ReadHandlers => ({
  ...prepareInstanceQueries(db),
  ...prepareCredentialsQueries(db),
  ...prepareDeviceQueries(db),
  ...prepareDevicePageQueries(db),
  ...preparePublishQueries(db),
  ...preparePushOriginQueries(db),
  ...prepareQueueQueries(db),
  ...prepareReplayQueries(db),
  ...prepareReportQueries(db),
  ...prepareFeedQueries(db),
  ...prepareMessageQueries(db),
  ...prepareSealedQueries(db),
  nextDue: prepareNextDue(db),
});
