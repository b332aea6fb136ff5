import type { DatabaseSync } from 'node:sqlite';
import type { MessageQueries } from '../../core/ports/message-store.ts';
import type { AttemptOfWebhook } from '../rows/webhook-health.ts';
import { successEveryMs } from '../rows/webhook-health.ts';
import type { QueryHandlers } from './handlers.ts';
import type { Outbox } from './outbox.ts';
import { prepare } from './statement.ts';
import type { UndoLog } from './undo-log.ts';

const maxRemembered = 10_000;

/** Writes what an attempt says about its webhook, and disables it when it has to be; answers whether it was disabled. */
export type RecordHealth = (attempt: AttemptOfWebhook) => boolean;

export function prepareRecordHealth(db: DatabaseSync, undoLog: UndoLog, outbox: Outbox): RecordHealth {
  /** Webhooks of which nothing but successes came since one was written, and when that was. */
  const succeeding = new Map<string, number>();
  const forget = (key: string) => succeeding.delete(key);
  const succeed = prepare(
    db,
    `INSERT INTO webhook_health (instance_id, webhook_id, last_success_at, failing_since, failures)
     VALUES (?1, ?2, ?3, NULL, 0)
     ON CONFLICT (instance_id, webhook_id) DO UPDATE SET last_success_at = ?3, failing_since = NULL, failures = 0
     WHERE failing_since IS NOT NULL OR last_success_at IS NULL OR last_success_at NOT BETWEEN ?4 AND ?3`,
  );
  const fail = prepare<{ failing_since: number; failures: number }>(
    db,
    `INSERT INTO webhook_health (instance_id, webhook_id, last_success_at, failing_since, failures)
     VALUES (?1, ?2, NULL, ?3, 1)
     ON CONFLICT (instance_id, webhook_id)
     DO UPDATE SET failing_since = coalesce(failing_since, ?3), failures = failures + 1
     RETURNING failing_since, failures`,
  );
  const disableWebhook = prepare(
    db,
    `UPDATE webhooks SET disabled_at = ?, disabled_reason = ? WHERE instance_id = ? AND id = ? AND disabled_at IS NULL`,
  );

  const remember = (key: string, at: number) => {
    if (succeeding.size >= maxRemembered) succeeding.clear();
    succeeding.set(key, at);
    undoLog.note(() => forget(key));
  };

  return ({ instanceId, webhookId, succeeded, disable }) => {
    const now = Date.now();
    const key = `${instanceId} ${webhookId}`;
    if (succeeded) {
      const sinceMs = now - (succeeding.get(key) ?? Number.NEGATIVE_INFINITY);
      if (sinceMs >= 0 && sinceMs < successEveryMs) return false;
      succeed.run(instanceId, webhookId, now, now - successEveryMs);
      remember(key, now);
      return false;
    }
    forget(key);
    const { failing_since: failingSince, failures } = fail.get(instanceId, webhookId, now) ?? {
      failing_since: now,
      failures: 1,
    };
    if (!disable || failures < disable.failures || now - failingSince < disable.failingForMs) return false;
    const { reason } = disable;
    if (disableWebhook.run(now, reason, instanceId, webhookId) === 0) return false;
    outbox.announce(instanceId, 'v1.WebhookDisabled', { webhookId, reason, failingSince });
    return true;
  };
}

export function prepareHealthQueries(db: DatabaseSync): QueryHandlers<Pick<MessageQueries, 'findWebhookHealth'>> {
  const find = prepare<{ last_success_at: number | null; failing_since: number | null }>(
    db,
    'SELECT last_success_at, failing_since FROM webhook_health WHERE instance_id = ? AND webhook_id = ?',
  );
  return {
    findWebhookHealth: (instanceId, webhookId) => {
      const row = find.get(instanceId, webhookId);
      return { lastSuccessAt: row?.last_success_at ?? null, failingSince: row?.failing_since ?? null };
    },
  };
}
