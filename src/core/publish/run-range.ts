import { formatPublishId } from '../../protocol/ids.ts';
import type { ClaimedRange, PublishQueries } from '../ports/publish-store.ts';
import type { Sealer } from '../ports/sealer.ts';
import { openPublishBody } from './publish-body.ts';
import type { SendPageDeps, SentPage } from './send-page.ts';
import { sendPage } from './send-page.ts';

export interface RunRangeDeps extends SendPageDeps {
  readonly store: SendPageDeps['store'] & Pick<PublishQueries, 'readAudiencePage'>;
  readonly sealer: Sealer;
  /** Two pages are in flight at a time, so this is half of what a crash may repeat for a range. */
  readonly pageSize: number;
  readonly pagesPerTurn: number;
  /** Once true, a turn ends with the page in hand. */
  readonly stopping: () => boolean;
}

/**
 * One turn of a range: some pages, each recorded while the next one is on its way. True when the range was given back
 * with more to send.
 */
export async function runRange(deps: RunRangeDeps, range: ClaimedRange): Promise<boolean> {
  const body = openPublishBody(deps.sealer, range, range.body);
  let cursor = range.cursor;
  let devices = 0;
  let onItsWay: SentPage | null = null;
  let ours = true;
  let giveBack = false;
  for (let pageNumber = 1; ours; pageNumber++) {
    const page = await deps.store.readAudiencePage(range, cursor, deps.pageSize);
    giveBack = page.next !== null && (pageNumber >= deps.pagesPerTurn || deps.stopping());
    const sent: SentPage = await sendPage(deps, { range, body, devices: page.devices, next: page.next, giveBack });
    devices += page.devices.length;
    ours = !onItsWay || (await onItsWay.record());
    onItsWay = sent;
    if (page.next === null || giveBack) break;
    cursor = page.next;
  }
  if (ours && onItsWay) ours = await onItsWay.record();
  deps.log.info(ours ? 'range.turn' : 'range.lost', {
    instanceId: range.instanceId,
    publishId: formatPublishId(range.publishId),
    range: range.rangeNumber,
    devices,
  });
  return giveBack;
}
