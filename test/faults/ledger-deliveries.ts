import { isDeepStrictEqual } from 'node:util';
import type { CountedDelivery } from './counting-push-service.ts';
import type { SentPublish } from './customer.ts';
import type { Findings } from './findings.ts';
import type { SeenCustomer, SeenServer } from './ledger-evidence.ts';

/** "A crash repeats at most 200 deliveries of a range", and a publish has one range. What has a row of its own is no part of it. */
const maxRepeatsOfRange = 200;
/** "Every other repeat is listed by id, at most kills × 200 deliveries": in all, whatever is under way. */
const maxRepeatsPerKill = 200;

/**
 * Every publish answered 200 reached every device, and was counted once for each. One without an answer was either
 * accepted, and then the same holds for it, or it never happened.
 */
export async function checkDeliveries(server: SeenServer, customer: SeenCustomer): Promise<Findings> {
  const problems: string[] = [];
  const repeats: string[] = [];
  const deliveriesOf = Map.groupBy(server.pushService.deliveries, ({ request }) => request);
  for (const publish of customer.publishes) {
    const deliveries = deliveriesOf.get(publish.request) ?? [];
    const ids = new Set(deliveries.map(({ publishId }) => publishId));
    if (publish.publishId === null && ids.size === 0) continue;
    if (publish.refused) problems.push(`${publish.request} was refused and delivered`);
    const publishId = publish.publishId ?? deliveries[0]?.publishId ?? '';
    if (ids.size > 1 || (ids.size === 1 && !ids.has(publishId)))
      problems.push(`${publish.request} (${publishId}) was delivered as ${[...ids].join(', ')}`);
    problems.push(...missing(publish, publishId, deliveries));
    const perKill = new Map<number, number>();
    for (const [deviceToken, received] of Map.groupBy(deliveries, (delivery) => delivery.deviceToken)) {
      received.slice(1).forEach(({ at }, index) => {
        // The first after it was received: who forgot it was gone then, although the next server may end before it repeats it.
        const kill = server.restarts.find((restart) => restart > (received[index]?.at ?? 0));
        const what = `${publishId} to device ${deviceToken}`;
        if (kill === undefined || kill > at) problems.push(`repeated without a kill: ${what}`);
        else perKill.set(kill, (perKill.get(kill) ?? 0) + 1);
        repeats.push(what);
      });
    }
    for (const [kill, count] of perKill) {
      const held = server.held?.[server.restarts.indexOf(kill)]?.get(publishId) ?? 0;
      if (count > maxRepeatsOfRange + held)
        problems.push(`${publishId}: one kill repeated ${count} deliveries, and ${held} had rows of their own`);
    }
    const { accepted = 0, ...others } = await readCounts(server, customer, publishId);
    const reached = new Set(deliveries.map(({ deviceToken }) => deviceToken)).size;
    if (accepted !== reached) problems.push(`${publishId} reached ${reached} devices and counted ${accepted}`);
    // Nothing is given up here (see the fault server), and every device is there.
    const unlike = Object.entries(others).filter(([, count = 0]) => count > 0);
    if (unlike.length > 0) problems.push(`${publishId} also counted ${JSON.stringify(Object.fromEntries(unlike))}`);
    problems.push(...untruths(server, publishId, accepted));
  }
  if (repeats.length > server.restarts.length * maxRepeatsPerKill)
    problems.push(`${server.restarts.length} kills repeated ${repeats.length} deliveries`);
  return { problems, repeats };
}

function missing({ audience }: SentPublish, publishId: string, deliveries: readonly CountedDelivery[]): string[] {
  const reached = new Set(deliveries.map(({ deviceToken }) => deviceToken));
  return audience
    .filter(({ deviceToken }) => !reached.has(deviceToken))
    .map(({ deviceToken }) => `${publishId} never reached device ${deviceToken}`);
}

/** By outcome. */
type Counts = Readonly<Partial<Record<string, number>>>;

async function readCounts({ pharos }: SeenServer, { instanceId }: SeenCustomer, publishId: string): Promise<Counts> {
  const { counts } = await pharos.admin('GET', `/instances/${instanceId}/publishes/${publishId}`);
  return (counts as { readonly web?: Counts }).web ?? {};
}

/** What FINISHED told about the publish, where it is not what was counted. */
function untruths({ targets }: SeenServer, publishId: string, accepted: number): string[] {
  const finished = targets.requests.find(({ key }) => key === `${publishId} FINISHED`);
  if (!finished) return [];
  const { results } = JSON.parse(finished.body) as { readonly results: unknown };
  const expected = { web: { numSuccessfulPublishes: accepted, numFailedPublishes: 0 } };
  return isDeepStrictEqual(results, expected) ? [] : [`FINISHED of ${publishId} told ${JSON.stringify(results)}`];
}
