import { formatPublishId, uuidV7Time } from '../../protocol/ids.ts';
import { postponedMs } from '../claims/postponed-ms.ts';
import { runOne } from '../ports/command.ts';
import type { AudiencePage, ClaimedRange, PublishQueries } from '../ports/publish-store.ts';
import type { Log } from '../ports/log.ts';
import type { Sealer } from '../ports/sealer.ts';
import { CannotOpen } from '../ports/sealer.ts';
import { openPublishBody } from './publish-body.ts';
import type { RoomToSend } from './room-to-send.ts';
import type { RangeState, SendPageDeps, SentPage } from './send-page.ts';
import { sendPage } from './send-page.ts';

export interface RunRangeDeps extends SendPageDeps {
  readonly store: SendPageDeps['store'] & Pick<PublishQueries, 'readAudiencePage'>;
  readonly sealer: Sealer;
  readonly log: Log;
  readonly room: RoomToSend;
  /** Two pages are in flight at a time, so this is half of what a crash may repeat for a range. */
  readonly pageSize: number;
  readonly pagesPerTurn: number;
  /** A turn ends after so long too: pages with slow devices are no reason to hold up others. */
  readonly turnMs: number;
  /** Once true, a turn ends with the page in hand. */
  readonly stopping: () => boolean;
}

/**
 * One turn of a range: some pages, each recorded while the next one is on its way. True when the range was given back
 * with more to send. What does not open is kept, and tried again less and less often.
 */
export async function runRange(deps: RunRangeDeps, range: ClaimedRange): Promise<boolean> {
  try {
    return await runTurn(deps, range);
  } catch (error) {
    if (error instanceof CannotOpen) await postpone(deps, range);
    throw error;
  }
}

/** When pages were sent before, this changes nothing, and the next turn comes here at once. */
async function postpone({ store, recorder, clock }: RunRangeDeps, range: ClaimedRange): Promise<void> {
  const { instanceId, publishId, rangeNumber, claimToken, cursor } = range;
  const key = { instanceId, publishId, rangeNumber, claimToken };
  const leaseMs = postponedMs(uuidV7Time(range.publishId), clock());
  await recorder.record(() => runOne(store.recordPages, { ...key, cursor, next: cursor, deliveries: [], leaseMs }));
}

async function runTurn(deps: RunRangeDeps, range: ClaimedRange): Promise<boolean> {
  // The body stays here: it would travel with every page.
  const { body: sealed, ...audience } = range;
  const body = openPublishBody(deps.sealer, range, sealed);
  const endsAt = deps.clock() + deps.turnMs;
  let cursor = range.cursor;
  let devices = 0;
  let onItsWay: { readonly sent: SentPage; readonly size: number } | null = null;
  let unrecorded = 0;
  let state: RangeState = 'ours';
  let giveBack = false;
  const recordOnItsWay = async (endsRange?: boolean): Promise<RangeState> => {
    if (!onItsWay) return state;
    const { sent, size } = onItsWay;
    onItsWay = null;
    const recorded = await sent.record(endsRange);
    unrecorded -= size;
    deps.room.giveBack(size);
    return recorded;
  };
  try {
    for (let pageNumber = 1; state === 'ours'; pageNumber++) {
      let page: AudiencePage;
      let sent: SentPage;
      try {
        page = await deps.store.readAudiencePage(audience, cursor, deps.pageSize);
        if (!deps.room.has(page.devices.length)) {
          // Whoever waits for room holds none.
          state = await recordOnItsWay();
          if (state === 'lost') break;
          if (state === 'canceled') page = { devices: [], next: null };
        }
        await deps.room.take(page.devices.length);
        unrecorded += page.devices.length;
        const turnEnds = pageNumber >= deps.pagesPerTurn || deps.clock() >= endsAt || deps.stopping();
        giveBack = page.next !== null && turnEnds;
        sent = await sendPage(deps, { range, body, cursor, devices: page.devices, next: page.next, giveBack });
      } catch (error) {
        // What was sent is not sent again because the next page could not be.
        await recordOnItsWay();
        throw error;
      }
      devices += page.devices.length;
      state = await recordOnItsWay();
      onItsWay = { sent, size: page.devices.length };
      if (page.next === null || giveBack) break;
      cursor = page.next;
    }
    if (state !== 'lost') state = await recordOnItsWay(state === 'canceled');
  } finally {
    deps.room.giveBack(unrecorded);
  }
  deps.log.info(state === 'lost' ? 'range.lost' : 'range.turn', {
    instanceId: range.instanceId,
    publishId: formatPublishId(range.publishId),
    range: range.rangeNumber,
    devices,
  });
  return giveBack && state === 'ours';
}
