import type { DisableWebhook, MessageQueries } from '../../core/ports/message-store.ts';
import type { AttemptOfWebhook } from '../rows/webhook-health.ts';
import { successEveryMs } from '../rows/webhook-health.ts';
import type { Sql } from './database.ts';
import type { QueryHandlers } from './handlers.ts';
import { announce } from './outbox.ts';

interface HealthRow {
  instance_id: string;
  webhook_id: string;
  last_success_at: number | null;
  failing_since: number | null;
  failures: number;
}

const ofWebhooks = 'unnest($1::uuid[], $2::uuid[]) AS w (instance_id, webhook_id)';
const sameWebhook = 'h.instance_id = w.instance_id AND h.webhook_id = w.webhook_id';
const listWell = `
  SELECT h.instance_id, h.webhook_id FROM ${ofWebhooks} JOIN webhook_health h ON ${sameWebhook}
  WHERE h.failing_since IS NULL AND h.last_success_at BETWEEN pharos_now() - ${successEveryMs} AND pharos_now()`;
const insertMissing = `
  INSERT INTO webhook_health (instance_id, webhook_id, failures)
  SELECT instance_id, webhook_id, 0 FROM ${ofWebhooks} ORDER BY instance_id, webhook_id
  ON CONFLICT (instance_id, webhook_id) DO NOTHING`;
const lockRows = `
  SELECT h.instance_id, h.webhook_id, h.last_success_at, h.failing_since, h.failures, pharos_now() AS now FROM ${ofWebhooks} JOIN webhook_health h ON ${sameWebhook}
  ORDER BY h.instance_id, h.webhook_id FOR UPDATE OF h`;
const update = `
  UPDATE webhook_health h
  SET last_success_at = w.last_success_at, failing_since = w.failing_since, failures = w.failures
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS w (instance_id, webhook_id, last_success_at, failing_since, failures)
  WHERE ${sameWebhook}`;
const disableWebhook = `
  UPDATE webhooks SET disabled_at = pharos_now(), disabled_reason = $3
  WHERE instance_id = $1 AND id = $2 AND disabled_at IS NULL`;

/**
 * Writes what attempts say about their webhooks, and disables those that have to be; answers for each attempt whether it
 * was the one that did. Rows are locked in the order of their keys, whatever the order of the attempts.
 */
export async function recordHealth(sql: Sql, attempts: readonly AttemptOfWebhook[]): Promise<readonly boolean[]> {
  const news = await leaveOutKnown(sql, attempts);
  if (news.length === 0) return attempts.map(() => false);
  const keys = keysOf(news);
  await sql.run(insertMissing, keys);
  const locked = await sql.all<HealthRow & { now: number }>(lockRows, keys);
  const rows = new Map(locked.map((row) => [`${row.instance_id} ${row.webhook_id}`, row]));
  const disabling = new Map<AttemptOfWebhook, { since: number; reason: DisableWebhook['reason'] }>();
  for (const attempt of news) {
    const row = rows.get(keyOf(attempt));
    if (!row) continue;
    if (attempt.succeeded) {
      Object.assign(row, { last_success_at: row.now, failing_since: null, failures: 0 });
      continue;
    }
    const since = row.failing_since ?? row.now;
    Object.assign(row, { failing_since: since, failures: row.failures + 1 });
    const { disable } = attempt;
    if (!disable || row.failures < disable.failures || row.now - since < disable.failingForMs) continue;
    disabling.set(attempt, { since, reason: disable.reason });
  }
  await sql.run(update, [
    locked.map((row) => row.instance_id),
    locked.map((row) => row.webhook_id),
    locked.map((row) => row.last_success_at),
    locked.map((row) => row.failing_since),
    locked.map((row) => row.failures),
  ]);
  const disabled = new Set<AttemptOfWebhook>();
  for (const [attempt, { since: failingSince, reason }] of disabling) {
    const { instanceId, webhookId } = attempt;
    if ((await sql.run(disableWebhook, [instanceId, webhookId, reason])) === 0) continue;
    disabled.add(attempt);
    await announce(sql, instanceId, 'v1.WebhookDisabled', { webhookId, reason, failingSince });
  }
  return attempts.map((attempt) => disabled.has(attempt));
}

/** Without those that succeeded where this is known already: nothing is locked or written for them. */
async function leaveOutKnown(sql: Sql, attempts: readonly AttemptOfWebhook[]): Promise<readonly AttemptOfWebhook[]> {
  const byWebhook = Map.groupBy(attempts, keyOf);
  const onlySucceeded = [...byWebhook.values()].filter((all) => all.every(({ succeeded }) => succeeded));
  if (onlySucceeded.length === 0) return attempts;
  const firsts = onlySucceeded.flatMap((all) => all.slice(0, 1));
  for (const row of await sql.all<HealthRow>(listWell, keysOf(firsts))) {
    byWebhook.delete(`${row.instance_id} ${row.webhook_id}`);
  }
  return [...byWebhook.values()].flat();
}

const keyOf = ({ instanceId, webhookId }: AttemptOfWebhook): string => `${instanceId} ${webhookId}`;

/** Of each webhook once. */
function keysOf(attempts: readonly AttemptOfWebhook[]): readonly [readonly string[], readonly string[]] {
  const webhooks = [...new Map(attempts.map((attempt) => [keyOf(attempt), attempt])).values()];
  return [webhooks.map(({ instanceId }) => instanceId), webhooks.map(({ webhookId }) => webhookId)];
}

const find = 'SELECT last_success_at, failing_since FROM webhook_health WHERE instance_id = $1 AND webhook_id = $2';

export const healthQueries: QueryHandlers<Pick<MessageQueries, 'findWebhookHealth'>> = {
  findWebhookHealth: async (sql, instanceId, webhookId) => {
    const row = await sql.get<Pick<HealthRow, 'last_success_at' | 'failing_since'>>(find, [instanceId, webhookId]);
    return { lastSuccessAt: row?.last_success_at ?? null, failingSince: row?.failing_since ?? null };
  },
};
