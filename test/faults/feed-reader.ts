import { setTimeout as delay } from 'node:timers/promises';
import type { Customer } from './customer.ts';
import type { ViewedProcess } from './database-view.ts';
import { viewDatabase } from './database-view.ts';
import type { FaultServer } from './fault-server.ts';

export interface FeedReader {
  /** Reads what is left, and answers what is wrong with all that was read. */
  finish(): Promise<{ readonly problems: readonly string[]; readonly events: number }>;
}

interface Viewed {
  readonly pharos: ViewedProcess & Pick<FaultServer['pharos'], 'admin'>;
}

/** Turns the instance's feed on and reads it, waiting for events, however often the server is killed. */
export async function startFeedReader({ pharos }: Viewed, customer: Customer): Promise<FeedReader> {
  const { instanceId } = customer;
  const instance = `/instances/${instanceId}`;
  await pharos.admin('PATCH', instance, { feed: true });
  const { secretKey } = (await pharos.admin('GET', instance)) as { readonly secretKey: string };
  const seen: string[] = [];
  const problems: string[] = [];
  let start = 'from=beginning';

  /** How many events came; null when nobody answered. */
  async function read(waitSeconds: number): Promise<number | null> {
    const path = `/events/v1/instances/${instanceId}/events?limit=50&wait=${waitSeconds}&${start}`;
    const answer = await customer.send('GET', path, undefined, secretKey);
    if (answer?.status !== 200) {
      if (answer && answer.status !== 503) problems.push(`the feed answered ${answer.status} ${answer.text}`);
      return null;
    }
    const page = JSON.parse(answer.text) as {
      readonly events: readonly { readonly metadata: { readonly event_id: string } }[];
      readonly cursor: string;
      readonly truncated: boolean;
    };
    if (page.truncated) problems.push(`events after ${start} are said to be gone`);
    seen.push(...page.events.map(({ metadata }) => metadata.event_id));
    start = `after=${page.cursor}`;
    return page.events.length;
  }

  const stopping = new AbortController();
  const reading = (async () => {
    while (!stopping.signal.aborted) {
      if ((await read(1)) === null) await delay(20);
    }
  })();
  return {
    async finish() {
      stopping.abort();
      await reading;
      for (let count: number | null = null; count !== 0;) count = await read(0);
      const view = await viewDatabase(pharos);
      const rows = await view.all(
        `SELECT event_id AS id, feed_position FROM reports WHERE event_id IS NOT NULL
         UNION ALL SELECT id, feed_position FROM events WHERE type LIKE 'v1.%' ORDER BY feed_position, id`,
      );
      await view.close();
      const committed = rows.map(({ id }) => String(id));
      const known = new Set(seen);
      for (const id of committed) if (!known.has(id)) problems.push(`the feed skipped event ${id}`);
      if (seen.length !== known.size) problems.push(`the feed gave ${seen.length - known.size} events twice`);
      if (problems.length === 0 && seen.join() !== committed.join()) problems.push('the feed has another order');
      return { problems, events: seen.length };
    },
  };
}
