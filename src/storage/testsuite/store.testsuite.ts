import { audiencesSuite } from './audiences.testsuite.ts';
import { batchesSuite } from './batches.testsuite.ts';
import { deliveriesSuite } from './deliveries.testsuite.ts';
import { credentialsSuite } from './credentials.testsuite.ts';
import { devicesSuite } from './devices.testsuite.ts';
import { feedSuite } from './feed.testsuite.ts';
import { filtersSuite } from './filters.testsuite.ts';
import type { OpenStore } from './fixtures.ts';
import { instancesSuite } from './instances.testsuite.ts';
import { messageBatchesSuite } from './message-batches.testsuite.ts';
import { messagesSuite } from './messages.testsuite.ts';
import { publishesSuite } from './publishes.testsuite.ts';
import { pushOriginsSuite } from './push-origins.testsuite.ts';
import { webhookHealthSuite } from './webhook-health.testsuite.ts';
import { rangesSuite } from './ranges.testsuite.ts';
import { replaysSuite } from './replays.testsuite.ts';
import { reportsSuite } from './reports.testsuite.ts';
import { retentionSuite } from './retention.testsuite.ts';
import { searchesSuite } from './searches.testsuite.ts';
import { sealedValuesSuite } from './sealed-values.testsuite.ts';
import { schedulesSuite } from './schedules.testsuite.ts';

/** What every adapter of the store must do. */
export function storeSuite(open: OpenStore): void {
  instancesSuite(open);
  credentialsSuite(open);
  devicesSuite(open);
  publishesSuite(open);
  rangesSuite(open);
  deliveriesSuite(open);
  pushOriginsSuite(open);
  webhookHealthSuite(open);
  replaysSuite(open);
  reportsSuite(open);
  feedSuite(open);
  filtersSuite(open);
  messagesSuite(open);
  messageBatchesSuite(open);
  retentionSuite(open);
  searchesSuite(open);
  sealedValuesSuite(open);
  audiencesSuite(open);
  schedulesSuite(open);
  batchesSuite(open);
}
