import type { DatabaseSync } from 'node:sqlite';
import type {
  DropMessages,
  InstanceCommands,
  InstanceQueries,
  WebhookRecord,
} from '../../core/ports/instance-store.ts';
import type { InstanceRow, WebhookRow } from '../rows/instance-row.ts';
import { changeableColumns, originsToText, toInstance, toWebhook } from '../rows/instance-row.ts';
import { prepareSwitchFeed } from './feed.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';
import { toRules } from '../rows/subscription-rules.ts';

export function prepareInstanceCommands(db: DatabaseSync): CommandHandlers<InstanceCommands> {
  const insertInstance = prepare(
    db,
    `INSERT INTO instances (id, name, created_at, secret_key, previous_secret_key, previous_secret_key_ends_at,
       vapid_public_key, vapid_private_key, allowed_origins)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
  );
  const replaceSecretKeys = prepare(
    db,
    `UPDATE instances SET secret_key = ?, previous_secret_key = ?, previous_secret_key_ends_at = ?
     WHERE id = ? AND secret_key = ?`,
  );
  const updateInstance = prepare(db, 'UPDATE instances SET name = ?, allowed_origins = ? WHERE id = ?');
  const findInstance = prepare<{ found: 1 }>(db, 'SELECT 1 AS found FROM instances WHERE id = ?');
  const insertWebhook = prepare(
    db,
    `INSERT INTO webhooks (instance_id, id, format, created_at, url, options, secret, previous_secret,
       previous_secret_ends_at, signing_key, headers, custom_data, disabled_at,
       disabled_reason)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const updateWebhook = prepare(
    db,
    `UPDATE webhooks SET url = ?, options = ?, secret = ?, previous_secret = ?, previous_secret_ends_at = ?,
       signing_key = ?, headers = ?, custom_data = ?, disabled_at = ?,
       disabled_reason = ?
     WHERE instance_id = ? AND id = ? AND secret = ?`,
  );
  const findWebhook = prepare<{ found: 1 }>(db, 'SELECT 1 AS found FROM webhooks WHERE instance_id = ? AND id = ?');
  const deleteWebhook = prepare(db, 'DELETE FROM webhooks WHERE instance_id = ? AND id = ?');
  const insertSubscription = prepare(
    db,
    `INSERT INTO webhook_subscriptions (instance_id, event_type, webhook_id, rules) VALUES (?, ?, ?, ?)
     ON CONFLICT (instance_id, event_type, webhook_id) DO NOTHING`,
  );
  // As long as it is there without its webhook, messages may be left to be dropped.
  const keepHealth = prepare(
    db,
    `INSERT INTO webhook_health (instance_id, webhook_id, last_success_at, failing_since, failures)
     VALUES (?, ?, NULL, NULL, 0) ON CONFLICT (instance_id, webhook_id) DO NOTHING`,
  );
  const deleteHealth = prepare(db, 'DELETE FROM webhook_health WHERE instance_id = ? AND webhook_id = ?');
  const deleteSubscriptions = prepare(db, 'DELETE FROM webhook_subscriptions WHERE instance_id = ? AND webhook_id = ?');
  const drop = `UPDATE messages SET state = 'dropped', drop_reason = 'webhook-deleted', due_at = NULL, claim_token = NULL`;
  const dropWaiting = prepare(
    db,
    `${drop} WHERE instance_id = ?1 AND (day, id) IN (SELECT day, id FROM messages INDEXED BY messages_by_target_due
       WHERE instance_id = ?1 AND target = ?2 AND due_at IS NOT NULL AND state = 'waiting' LIMIT ?3)`,
  );
  // What is held stands among what is exhausted, which stays and may be millions: it is walked through once.
  const listFailed = prepare<{ row: number; id: string; state: 'exhausted' | 'held' }>(
    db,
    `SELECT rowid AS row, id, state FROM messages INDEXED BY messages_failed_by_target
     WHERE instance_id = ? AND target = ? AND state IN ('exhausted', 'held') AND id > ? ORDER BY id LIMIT ?`,
  );
  const dropHeld = prepare(db, `${drop} WHERE rowid = ?`);
  const dropMessages = ({ instanceId, id, limit, after }: DropMessages) => {
    if (findWebhook.get(instanceId, id)) return { more: false, after: null };
    if (dropWaiting.run(instanceId, id, limit) === limit) return { more: true, after };
    const failed = listFailed.all(instanceId, id, after ?? '', limit);
    for (const { row, state } of failed) if (state === 'held') dropHeld.run(row);
    const more = failed.length === limit;
    if (!more) deleteHealth.run(instanceId, id);
    return { more, after: failed.at(-1)?.id ?? after };
  };
  const forgiveFailures = prepare(
    db,
    'UPDATE webhook_health SET failing_since = NULL, failures = 0 WHERE instance_id = ? AND webhook_id = ?',
  );
  const switchFeed = prepareSwitchFeed(db);

  const subscribe = ({ instanceId, id, events, options }: Omit<WebhookRecord, 'format' | 'createdAt'>) => {
    for (const event of events) insertSubscription.run(instanceId, event, id, toRules(options));
  };

  return {
    createInstances: (item) => {
      const inserted = insertInstance.run(
        item.id,
        item.name,
        item.createdAt,
        item.secretKey,
        item.previousSecretKey?.key ?? null,
        item.previousSecretKey?.endsAt ?? null,
        item.vapidPublicKey,
        item.vapidPrivateKey,
        originsToText(item.allowedOrigins),
      );
      if (inserted === 0) return 'exists';
      if (item.feed) switchFeed(item.id, true);
      return 'created';
    },
    updateInstances: (item) => {
      const updated = updateInstance.run(item.name, originsToText(item.allowedOrigins), item.id);
      if (updated === 0) return 'unknown-instance';
      switchFeed(item.id, item.feed);
      return 'updated';
    },
    replaceSecretKeys: ({ id, secretKey, previousSecretKey: previous, expected }) => {
      if (!findInstance.get(id)) return 'unknown-instance';
      const replaced = replaceSecretKeys.run(secretKey, previous?.key ?? null, previous?.endsAt ?? null, id, expected);
      return replaced === 1 ? 'replaced' : 'changed';
    },
    createWebhooks: (item) => {
      if (!findInstance.get(item.instanceId)) return 'unknown-instance';
      const { instanceId, id, format, createdAt } = item;
      insertWebhook.run(instanceId, id, format, createdAt, ...changeableColumns(item));
      subscribe(item);
      return 'created';
    },
    updateWebhooks: (item) => {
      const { instanceId, id, expected } = item;
      if (!findWebhook.get(instanceId, id)) return 'unknown-webhook';
      if (updateWebhook.run(...changeableColumns(item), instanceId, id, expected) === 0) return 'changed';
      deleteSubscriptions.run(instanceId, id);
      subscribe(item);
      forgiveFailures.run(instanceId, id);
      return 'updated';
    },
    deleteWebhooks: ({ instanceId, id }) => {
      if (deleteWebhook.run(instanceId, id) === 0) return 'unknown-webhook';
      deleteSubscriptions.run(instanceId, id);
      keepHealth.run(instanceId, id);
      return 'deleted';
    },
    dropMessages,
  };
}

export function prepareInstanceQueries(db: DatabaseSync): QueryHandlers<InstanceQueries> {
  const selectInstance = `SELECT i.*, EXISTS (SELECT 1 FROM feeds f WHERE f.instance_id = i.id AND f.is_on = 1) AS feed
    FROM instances i`;
  const findInstance = prepare<InstanceRow>(db, `${selectInstance} WHERE id = ?`);
  const listInstances = prepare<InstanceRow>(
    db,
    `${selectInstance} WHERE ?1 IS NULL OR (created_at, id) > (SELECT a.created_at, a.id FROM instances a WHERE a.id = ?1)
     ORDER BY created_at, id LIMIT ?2`,
  );
  const webhookColumns = `w.*, (SELECT json_group_array(s.event_type ORDER BY s.event_type) FROM webhook_subscriptions s
    WHERE s.instance_id = w.instance_id AND s.webhook_id = w.id) AS events`;
  const findWebhook = prepare<WebhookRow>(
    db,
    `SELECT ${webhookColumns} FROM webhooks w WHERE w.instance_id = ? AND w.id = ?`,
  );
  const listDeleted = prepare<{ instance_id: string; webhook_id: string }>(
    db,
    `SELECT instance_id, webhook_id FROM webhook_health h
     WHERE NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.instance_id = h.instance_id AND w.id = h.webhook_id)`,
  );
  const listWebhooks = prepare<WebhookRow>(
    db,
    `SELECT ${webhookColumns} FROM webhooks w WHERE w.instance_id = ? ORDER BY w.created_at, w.id`,
  );

  return {
    findInstance: (id) => mapRow(findInstance.get(id), toInstance),
    listInstances: ({ after, limit }) => listInstances.all(after, limit).map(toInstance),
    findWebhook: (instanceId, id) => mapRow(findWebhook.get(instanceId, id), toWebhook),
    listDeletedWebhooks: () => listDeleted.all().map((row) => ({ instanceId: row.instance_id, id: row.webhook_id })),
    listWebhooks: (instanceId) => listWebhooks.all(instanceId).map(toWebhook),
  };
}

const mapRow = <Row, Value>(row: Row | undefined, map: (row: Row) => Value): Value | null =>
  row === undefined ? null : map(row);
