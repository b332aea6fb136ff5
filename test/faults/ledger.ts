import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { waitFor } from '../support/wait-for.ts';
import type { FaultServer } from './fault-server.ts';
import type { Findings } from './findings.ts';
import { checkDeliveries } from './ledger-deliveries.ts';
import { checkMessages } from './ledger-messages.ts';
import type { SeenCustomer, SeenServer } from './ledger-evidence.ts';

export interface Ledger extends Findings {
  readonly figures: Readonly<Record<string, number>>;
}

/** Waits until the server has nothing left to do for anybody. */
export async function waitUntilIdle({ pharos }: FaultServer, timeoutMs = 120_000): Promise<void> {
  const db = new DatabaseSync(join(pharos.dataDir, 'pharos.db'), { readOnly: true });
  const count = db.prepare(
    `SELECT (SELECT count(*) FROM ranges) AS ranges, (SELECT count(*) FROM deferred_deliveries) AS deferred,
       (SELECT count(*) FROM messages WHERE state = 'waiting') AS messages`,
  );
  try {
    await waitFor('all work to be done', () => Object.values(count.get() ?? {}).every((rows) => rows === 0), timeoutMs);
  } catch (error) {
    throw new Error(`left to do: ${JSON.stringify(count.get())}`, { cause: error });
  } finally {
    db.close();
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
