import type { FamilyCounts, PublishView } from '../../core/ports/publish-store.ts';
import type { PublishBody } from '../../core/ports/publish-body.ts';
import type { BrowserFamily } from '../../protocol/browser-family.ts';
import type { JsonObject } from '../../protocol/json.ts';

/** Names of the families in `platform_delivery_stats`; browsers of other push services are in the sums only. */
const platformNames = [
  ['chrome', 'chrome_web_push'],
  ['firefox', 'firefox_web_push'],
  ['safari', 'safari_web_push'],
  ['edge', 'edge_web_push'],
] as const satisfies readonly (readonly [BrowserFamily, string])[];

const noCounts: FamilyCounts = { accepted: 0, gone: 0, rejected: 0, failed: 0, confirmed: 0, clicked: 0 };

/** "the request's fields, and `id successful failed …`" (times in unix seconds) */
export function renderNotification(view: PublishView, body: PublishBody): object {
  const total = Object.values(view.families).reduce(add, noCounts);
  const stats = platformNames.flatMap(([family, name]) => {
    const counts = view.families[family];
    return counts ? [[name, renderCounts(counts)] as const] : [];
  });
  return {
    ...(body.request ?? requestOf(body)),
    app_id: view.instanceId,
    id: view.publishId,
    ...renderCounts(total),
    remaining: view.remaining,
    queued_at: seconds(view.acceptedAt),
    send_after: seconds(view.sendAfter ?? view.acceptedAt),
    completed_at: view.finishedAt === null ? null : seconds(view.finishedAt),
    canceled: view.canceledAt !== null,
    platform_delivery_stats: Object.fromEntries(stats),
  };
}

/** "`failed` = gone, `errored` = other, `converted` = clicked, `received` = confirmed." */
const renderCounts = ({ accepted, gone, rejected, failed, clicked, confirmed }: FamilyCounts) => ({
  successful: accepted,
  failed: gone,
  errored: rejected + failed,
  converted: clicked,
  received: confirmed,
});

const add = (sum: FamilyCounts, counts: FamilyCounts): FamilyCounts => ({
  accepted: sum.accepted + counts.accepted,
  gone: sum.gone + counts.gone,
  rejected: sum.rejected + counts.rejected,
  failed: sum.failed + counts.failed,
  confirmed: sum.confirmed + counts.confirmed,
  clicked: sum.clicked + counts.clicked,
});

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** A publish that was made through another API, as this one would have made it. */
function requestOf({ content: { web } }: PublishBody): JsonObject {
  const { title, body, deep_link: url, icon } = web?.notification ?? {};
  return {
    contents: { en: body ?? '' },
    headings: title === undefined ? {} : { en: title },
    data: web?.data ?? null,
    url: url ?? null,
    chrome_web_icon: icon ?? null,
  };
}
