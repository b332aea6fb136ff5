import type { Store } from '../../core/ports/store.ts';
import { batchesSuite } from './batches.testsuite.ts';
import { deliveriesSuite } from './deliveries.testsuite.ts';
import { devicesSuite } from './devices.testsuite.ts';
import { instancesSuite } from './instances.testsuite.ts';
import { messagesSuite } from './messages.testsuite.ts';
import { publishesSuite } from './publishes.testsuite.ts';
import { reportsSuite } from './reports.testsuite.ts';

/** An empty store of the test's own; whoever gave the function closes it after the test. */
export type OpenStore = () => Promise<Store>;

/** What every adapter of the store must do. */
export function storeSuite(open: OpenStore): void {
  instancesSuite(open);
  devicesSuite(open);
  publishesSuite(open);
  deliveriesSuite(open);
  reportsSuite(open);
  messagesSuite(open);
  batchesSuite(open);
}
