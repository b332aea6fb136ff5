import { waitFor } from '../support/wait-for.ts';
import type { ViewedProcess } from './database-view.ts';
import { viewDatabase } from './database-view.ts';
import type { Findings } from './findings.ts';
import { checkDeliveries } from './ledger-deliveries.ts';
import { checkMessages } from './ledger-messages.ts';
import type { SeenCustomer, SeenServer } from './ledger-evidence.ts';

export interface Ledger extends Findings {
  readonly figures: Readonly<Record<string, number>>;
}

/** What is left to do, and what else changes while it is done: pushes that were settled, attempts that were recorded. */
interface Left {
  readonly ranges: number;
  readonly deferred: number;
  readonly messages: number;
  readonly progress: string;
}

/**
 * Waits until the server has nothing left to do for anybody, however long that takes: what is waited for is that something
 * moves. A message that waits for nothing shows when all others are done.
 */
export async function waitUntilIdle(
  { pharos }: { readonly pharos: ViewedProcess },
  stalledAfterMs = 120_000,
): Promise<void> {
  const view = await viewDatabase(pharos);
  const readLeft = async (): Promise<Left> => {
    const [row] = await view.all(
      `SELECT ranges, deferred, messages, concat_ws(' ', ranges, deferred, retries, messages, attempts, outcomes) AS progress
       FROM (SELECT count(*) AS ranges FROM ranges) AS r,
         (SELECT count(*) AS deferred, sum(attempts) AS retries FROM deferred_deliveries) AS d,
         (SELECT count(*) AS messages, sum(attempts) AS attempts FROM messages WHERE state = 'waiting') AS m,
         (SELECT sum(count) AS outcomes FROM publish_outcomes) AS o`,
    );
    const { ranges, deferred, messages, progress } = row ?? {};
    return {
      ...{ ranges: Number(ranges), deferred: Number(deferred), messages: Number(messages) },
      progress: String(progress),
    };
  };
  const isIdle = ({ ranges, deferred, messages }: Left): boolean => ranges + deferred + messages === 0;
  try {
    for (let left = await readLeft(); !isIdle(left);) {
      const { progress, ...stuck } = left;
      await waitFor(
        `anything to move: ${JSON.stringify(stuck)} left`,
        async () => (left = await readLeft()).progress !== progress,
        stalledAfterMs,
      );
    }
  } finally {
    await view.close();
  }
}

/**
 * Compares what the outside world saw with what was promised to it. Call it once the server is idle: everything that
 * was answered 200 has happened, and what happened twice is excused by a kill between the two.
 */
export async function readLedger(server: SeenServer, customer: SeenCustomer): Promise<Ledger> {
  const deliveries = await checkDeliveries(server, customer);
  const messages = await checkMessages(server, customer);
  const count = <Item>(items: readonly Item[], condition: (item: Item) => boolean) => items.filter(condition).length;
  return {
    problems: [...deliveries.problems, ...messages.problems],
    repeats: [...deliveries.repeats, ...messages.repeats],
    figures: {
      kills: server.restarts.length,
      devices: customer.devices.length,
      publishesAnswered: count(customer.publishes, ({ publishId }) => publishId !== null),
      publishesUnanswered: count(customer.publishes, ({ publishId }) => publishId === null),
      deliveries: server.pushService.deliveries.length,
      repeatedDeliveries: deliveries.repeats.length,
      reports: customer.reports.length,
      messages: messages.messages,
      exhausted: messages.exhausted,
      webhookRequests: server.targets.requests.length,
      repeatedWebhookRequests: messages.repeats.length,
    },
  };
}
