import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ClaimedRange, PublishCommands, PublishTarget } from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import { dayOf } from './day.ts';
import { prepareFinish } from './finish.ts';
import type { CommandHandlers } from './handlers.ts';
import { prepareOutbox } from './outbox.ts';
import { prepareSettle, userStates } from './settle.ts';
import { prepare } from './statement.ts';

interface DueRange {
  instance_id: string;
  publish_id: string;
  number: number;
  cursor_user: number;
  cursor_device: number;
  end_user: number;
  end_device: number;
  target_kind: PublishTarget['kind'];
  interests: string;
  platforms: string;
  body: Uint8Array;
}

export function preparePublishCommands(
  db: DatabaseSync,
): CommandHandlers<Pick<PublishCommands, 'acceptPublishes' | 'claimRanges' | 'recordPages'>> {
  const insertPublish = prepare(
    db,
    `INSERT INTO publishes (instance_id, id, accepted_at, target_kind, interests, platforms, body, has_webhook)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertUsers = prepare(
    db,
    `INSERT INTO users (instance_id, name, last_used_day) SELECT ?1, value, ?3 FROM json_each(?2) WHERE true
     ON CONFLICT (instance_id, name) WHERE name IS NOT NULL
     DO UPDATE SET last_used_day = excluded.last_used_day WHERE last_used_day < excluded.last_used_day`,
  );
  const insertPublishUsers = prepare(
    db,
    `INSERT INTO publish_users (instance_id, publish_id, user_number, position, state)
     SELECT ?1, ?2, u.number, j.key, ?3 FROM json_each(?4) AS j CROSS JOIN users u ON u.instance_id = ?1 AND u.name = j.value`,
  );
  // Greatest of all instances: as good an end as the instance's own, and no index is needed to find it.
  const lastDevice = prepare<{ number: number | null }>(db, 'SELECT max(number) AS number FROM devices');
  const lastUser = prepare<{ number: number | null }>(
    db,
    'SELECT max(user_number) AS number FROM publish_users WHERE instance_id = ? AND publish_id = ?',
  );
  const insertRange = prepare(
    db,
    `INSERT INTO ranges
       (instance_id, publish_id, number, cursor_user, cursor_device, end_user, end_device, due_at, pages)
     VALUES (?, ?, 1, 0, 0, ?, ?, ?, 0)`,
  );
  const findNextInstance = prepare<{ instance_id: string }>(
    db,
    'SELECT instance_id FROM ranges WHERE instance_id > ? ORDER BY instance_id LIMIT 1',
  );
  const findDueRange = prepare<DueRange>(
    db,
    `SELECT r.instance_id, r.publish_id, r.number, r.cursor_user, r.cursor_device, r.end_user, r.end_device,
       p.target_kind, p.interests, p.platforms, p.body
     FROM ranges r INDEXED BY ranges_by_instance
       CROSS JOIN publishes p ON p.instance_id = r.instance_id AND p.id = r.publish_id
     WHERE r.instance_id = ? AND r.due_at <= ? ORDER BY r.due_at, r.pages LIMIT 1`,
  );
  const leaseRange = prepare(
    db,
    `UPDATE ranges SET claim_token = ?, due_at = ?
     WHERE instance_id = ? AND publish_id = ? AND number = ?`,
  );
  const findRange = prepare<{
    claim_token: string | null;
    cursor_user: number;
    cursor_device: number;
    target_kind: PublishTarget['kind'];
  }>(
    db,
    `SELECT r.claim_token, r.cursor_user, r.cursor_device, p.target_kind
     FROM ranges r JOIN publishes p ON p.instance_id = r.instance_id AND p.id = r.publish_id
     WHERE r.instance_id = ? AND r.publish_id = ? AND r.number = ?`,
  );
  const moveCursor = prepare(
    db,
    `UPDATE ranges SET cursor_user = ?, cursor_device = ?, claim_token = ?, due_at = ?, pages = pages + 1
     WHERE instance_id = ? AND publish_id = ? AND number = ?`,
  );
  const deleteRange = prepare(db, 'DELETE FROM ranges WHERE instance_id = ? AND publish_id = ? AND number = ?');
  /** Instances take turns, in the order of their ids. */
  let lastServed = '';
  const outbox = prepareOutbox(db);
  const settle = prepareSettle(db);
  const finish = prepareFinish(db);

  return {
    acceptPublishes: ({ instanceId, publishId, target, platforms, body, hasWebhook }) => {
      const now = Date.now();
      const interests = target.kind === 'interests' ? [...new Set(target.interests)] : [];
      insertPublish.run(
        ...[instanceId, publishId, now, target.kind, JSON.stringify(interests), JSON.stringify(platforms)],
        ...[body, hasWebhook ? 1 : 0],
      );
      let endUser = 0;
      if (target.kind === 'users') {
        // Well-formed, as names are where they are bound alone: SQLite's JSON would keep a lone surrogate's bytes.
        const names = JSON.stringify([...new Set(target.users.map((user) => user.toWellFormed()))]);
        insertUsers.run(instanceId, names, dayOf(now));
        insertPublishUsers.run(instanceId, publishId, userStates.noDevices, names);
        endUser = lastUser.get(instanceId, publishId)?.number ?? 0;
      }
      insertRange.run(instanceId, publishId, endUser, lastDevice.get()?.number ?? 0, now);
      if (hasWebhook) {
        outbox.addToPublishWebhook(outbox.addEvent({ instanceId, publishId }, 'publish.started'), false);
      }
      return 'accepted';
    },
    claimRanges: ({ limit, leaseMs }) => {
      const now = Date.now();
      const claimed: ClaimedRange[] = [];
      // Ends after a round that found nothing due; what is not due is leased, so there is little of it.
      let fruitless: string | null = null;
      while (claimed.length < limit) {
        const next = findNextInstance.get(lastServed) ?? findNextInstance.get('');
        if (!next || next.instance_id === fruitless) break;
        lastServed = next.instance_id;
        const row = findDueRange.get(lastServed, now);
        if (!row) {
          fruitless ??= lastServed;
          continue;
        }
        fruitless = null;
        const claimToken = randomUUID();
        leaseRange.run(claimToken, now + leaseMs, row.instance_id, row.publish_id, row.number);
        claimed.push({
          instanceId: row.instance_id,
          publishId: row.publish_id,
          rangeNumber: row.number,
          claimToken,
          targetKind: row.target_kind,
          interests: JSON.parse(row.interests) as string[],
          platforms: JSON.parse(row.platforms) as Platform[],
          body: row.body,
          cursor: { user: row.cursor_user, device: row.cursor_device },
          end: { user: row.end_user, device: row.end_device },
        });
      }
      return claimed;
    },
    recordPages: (page) => {
      const { instanceId, publishId, rangeNumber, claimToken, cursor, next, leaseMs } = page;
      const range = findRange.get(instanceId, publishId, rangeNumber);
      if (range?.claim_token !== claimToken) return { kind: 'stale' };
      if (range.cursor_user !== cursor.user || range.cursor_device !== cursor.device) {
        return { kind: 'recorded', finished: false };
      }
      settle({ instanceId, publishId, targetKind: range.target_kind }, page.deliveries);
      if (next) {
        const [token, dueAt] = [leaseMs === 0 ? null : claimToken, Date.now() + leaseMs];
        moveCursor.run(next.user, next.device, token, dueAt, instanceId, publishId, rangeNumber);
        return { kind: 'recorded', finished: false };
      }
      deleteRange.run(instanceId, publishId, rangeNumber);
      return { kind: 'recorded', finished: finish({ instanceId, publishId }) };
    },
  };
}
