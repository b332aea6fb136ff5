import type { InstanceCommands, InstanceQueries, WebhookKey, WebhookRecord } from '../../core/ports/instance-store.ts';
import type { InstanceRow, WebhookRow } from '../rows/instance-row.ts';
import { changeableColumns, originsToText, toInstance, toWebhook } from '../rows/instance-row.ts';
import { toRules } from '../rows/subscription-rules.ts';
import type { Sql } from './database.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { each } from './handlers.ts';
import { enablingLock } from './instance-locks.ts';
import { turnFeed } from './feed-switch.ts';
import { dropMessagesOfWebhook } from './message-drops.ts';
import { isUuid } from '../../protocol/ids.ts';

const insertInstance = `
  INSERT INTO instances (id, name, created_at, secret_key, previous_secret_key, previous_secret_key_ends_at,
    vapid_public_key, vapid_private_key, allowed_origins)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING`;
const replaceSecretKeys = `
  UPDATE instances SET secret_key = $1, previous_secret_key = $2, previous_secret_key_ends_at = $3
  WHERE id = $4 AND secret_key = $5`;
const insertWebhook = `
  INSERT INTO webhooks (instance_id, id, format, created_at, url, options, secret, previous_secret,
    previous_secret_ends_at, signing_key, headers, custom_data, disabled_at, disabled_reason)
  SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 FROM instances WHERE id = $1`;
const updateWebhook = `
  UPDATE webhooks SET url = $1, options = $2, secret = $3, previous_secret = $4, previous_secret_ends_at = $5,
    signing_key = $6, headers = $7, custom_data = $8, disabled_at = $9, disabled_reason = $10
  WHERE instance_id = $11 AND id = $12 AND secret = $13`;
const insertSubscriptions = `
  INSERT INTO webhook_subscriptions (instance_id, event_type, webhook_id, rules)
  SELECT $1, event_type, $2, $3 FROM unnest($4::text[]) AS e (event_type)
  ON CONFLICT (instance_id, event_type, webhook_id) DO NOTHING`;
const deleteSubscriptions = 'DELETE FROM webhook_subscriptions WHERE instance_id = $1 AND webhook_id = $2';
const findWebhook = 'SELECT 1 FROM webhooks WHERE instance_id = $1 AND id = $2';
// As long as it is there without its webhook, messages may be left to be dropped.
const keepHealth = `
  INSERT INTO webhook_health (instance_id, webhook_id, last_success_at, failing_since, failures)
  VALUES ($1, $2, NULL, NULL, 0) ON CONFLICT (instance_id, webhook_id) DO NOTHING`;
const deleteHealth = 'DELETE FROM webhook_health WHERE instance_id = $1 AND webhook_id = $2';
const forgiveFailures = `
  UPDATE webhook_health SET failing_since = NULL, failures = 0 WHERE instance_id = $1 AND webhook_id = $2`;

const subscribe = (
  sql: Sql,
  { instanceId, id, events, options }: Omit<WebhookRecord, 'format' | 'createdAt'>,
): Promise<number> => sql.run(insertSubscriptions, [instanceId, id, toRules(options), events]);

export const instanceCommands: CommandHandlers<InstanceCommands> = {
  createInstances: each(async (sql, { previousSecretKey: previous, ...item }) => {
    const inserted = await sql.run(insertInstance, [
      ...[item.id, item.name, item.createdAt, item.secretKey, previous?.key ?? null, previous?.endsAt ?? null],
      ...[item.vapidPublicKey, item.vapidPrivateKey, originsToText(item.allowedOrigins)],
    ]);
    if (inserted === 0) return 'exists';
    if (item.feed) await turnFeed(sql, item.id, true);
    return 'created';
  }),
  updateInstances: each(async (sql, { id, name, allowedOrigins, feed }) => {
    const update = 'UPDATE instances SET name = $1, allowed_origins = $2 WHERE id = $3';
    if ((await sql.run(update, [name, originsToText(allowedOrigins), id])) === 0) return 'unknown-instance';
    await turnFeed(sql, id, feed);
    return 'updated';
  }),
  replaceSecretKeys: each(async (sql, { id, secretKey, previousSecretKey: previous, expected }) => {
    const keys = [secretKey, previous?.key ?? null, previous?.endsAt ?? null, id, expected];
    if ((await sql.run(replaceSecretKeys, keys)) === 1) return 'replaced';
    return (await sql.get('SELECT 1 FROM instances WHERE id = $1', [id])) ? 'changed' : 'unknown-instance';
  }),
  createWebhooks: each(async (sql, item) => {
    const { instanceId, id, format, createdAt } = item;
    const values = [instanceId, id, format, createdAt, ...changeableColumns(item)];
    if ((await sql.run(insertWebhook, values)) === 0) return 'unknown-instance';
    await subscribe(sql, item);
    return 'created';
  }),
  updateWebhooks: each(async (sql, item) => {
    const { instanceId, id, expected } = item;
    if (item.disabledAt === null) await enablingLock.takeAlone(sql, instanceId);
    if ((await sql.run(updateWebhook, [...changeableColumns(item), instanceId, id, expected])) === 0) {
      const found = await sql.get(findWebhook, [instanceId, id]);
      return found ? 'changed' : 'unknown-webhook';
    }
    await sql.run(deleteSubscriptions, [instanceId, id]);
    await subscribe(sql, item);
    await sql.run(forgiveFailures, [instanceId, id]);
    return 'updated';
  }),
  deleteWebhooks: each(async (sql, { instanceId, id }) => {
    const webhook = [instanceId, id];
    if ((await sql.run('DELETE FROM webhooks WHERE instance_id = $1 AND id = $2', webhook)) === 0) {
      return 'unknown-webhook';
    }
    await sql.run(deleteSubscriptions, webhook);
    await sql.run(keepHealth, webhook);
    return 'deleted';
  }),
  dropMessages: each(async (sql, item) => {
    const webhook = [item.instanceId, item.id];
    if (await sql.get(findWebhook, webhook)) return { more: false, after: null };
    const step = await dropMessagesOfWebhook(sql, item);
    if (!step.more) await sql.run(deleteHealth, webhook);
    return step;
  }),
};

const selectInstance = `
  SELECT i.id, i.name, i.created_at, i.secret_key, i.previous_secret_key, i.previous_secret_key_ends_at,
    i.vapid_public_key, i.vapid_private_key, i.allowed_origins, EXISTS (SELECT FROM feeds f WHERE f.instance_id = i.id AND f.is_on) AS feed FROM instances i`;
const listInstances = `
  ${selectInstance} WHERE $1::uuid IS NULL OR (created_at, id) > (SELECT a.created_at, a.id FROM instances a WHERE a.id = $1)
  ORDER BY created_at, id LIMIT $2`;
const selectWebhook = `
  SELECT w.instance_id, w.id, w.url, w.format, w.options, w.secret, w.previous_secret, w.previous_secret_ends_at,
    w.signing_key, w.headers, w.custom_data, w.created_at, w.disabled_at, w.disabled_reason,
    (SELECT coalesce(json_agg(s.event_type ORDER BY s.event_type), '[]')::text FROM webhook_subscriptions s
    WHERE s.instance_id = w.instance_id AND s.webhook_id = w.id) AS events
  FROM webhooks w`;

const listDeleted = `
  SELECT h.instance_id AS "instanceId", h.webhook_id AS id FROM webhook_health h
  WHERE NOT EXISTS (SELECT FROM webhooks w WHERE w.instance_id = h.instance_id AND w.id = h.webhook_id)`;

export const instanceQueries: QueryHandlers<InstanceQueries> = {
  findInstance: async (sql, id) => {
    if (!isUuid(id)) return null; // What operators type.
    const row = await sql.get<InstanceRow>(`${selectInstance} WHERE id = $1`, [id]);
    return row ? toInstance(row) : null;
  },
  listInstances: async (sql, { after, limit }) => {
    if (after !== null && !isUuid(after)) return [];
    return (await sql.all<InstanceRow>(listInstances, [after, limit])).map(toInstance);
  },
  findWebhook: async (sql, instanceId, id) => {
    if (!isUuid(id)) return null;
    const row = await sql.get<WebhookRow>(`${selectWebhook} WHERE w.instance_id = $1 AND w.id = $2`, [instanceId, id]);
    return row ? toWebhook(row) : null;
  },
  listDeletedWebhooks: (sql) => sql.all<WebhookKey>(listDeleted),
  listWebhooks: async (sql, instanceId) => {
    const list = `${selectWebhook} WHERE w.instance_id = $1 ORDER BY w.created_at, w.id`;
    return (await sql.all<WebhookRow>(list, [instanceId])).map(toWebhook);
  },
};
