import type { DatabaseSync } from 'node:sqlite';
import type { AcceptAnswer, AcceptPublish, Audience, PublishCommands } from '../../core/ports/publish-store.ts';
import { publishBodyPlace } from '../../core/ports/publish-store.ts';
import type { Sealer } from '../../core/ports/sealer.ts';
import { prepareReadAudiencePage } from './audience.ts';
import { hasId, idValues } from './device-key.ts';
import { dayOf } from '../rows/day.ts';
import { prepareClose } from './finish.ts';
import type { CommandHandlers } from './handlers.ts';
import type { Outbox } from './outbox.ts';
import { prepareUseName } from './use-name.ts';
import type { KeptAnswer } from '../rows/kept-answer.ts';
import { keyLifeMs } from '../rows/kept-answer.ts';
import { openEnd } from '../rows/open-end.ts';
import { userStates } from '../rows/user-states.ts';
import { prepare } from './statement.ts';

/** Pages that are looked through for somebody to reach; beyond that there may be somebody. */
const pagesToLookThrough = 5;

const everybodyReached = { deviceIds: [], aliases: [] };

export function prepareAcceptPublishes(
  db: DatabaseSync,
  sealer: Pick<Sealer, 'seal'>,
  outbox: Outbox,
): CommandHandlers<Pick<PublishCommands, 'acceptPublishes'>>['acceptPublishes'] {
  const insertPublish = prepare(
    db,
    `INSERT INTO publishes
       (instance_id, id, accepted_at, target_kind, audience, platforms, body, url_target, send_after, finished_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
  const answers = prepareAnswers(db);
  const toAudience = prepareToAudience(db);
  const readPage = prepareReadAudiencePage(db);
  const close = prepareClose(db, outbox);
  const isSubscribedTo = prepare<{ found: 1 }>(
    db,
    'SELECT 1 AS found FROM device_interests WHERE instance_id = ? AND interest = ? LIMIT 1',
  );
  const haveDevices = prepare<{ found: 1 }>(
    db,
    `SELECT 1 AS found FROM publish_users pu CROSS JOIN devices d INDEXED BY devices_by_user
       ON d.instance_id = pu.instance_id AND d.user_number = pu.user_number AND d.gone_at IS NULL
     WHERE pu.instance_id = ? AND pu.publish_id = ? LIMIT 1`,
  );

  /** Many publishes are to interests or users without a device: a range that finds out later costs three more commits. */
  const hasNoDevice = ({ instanceId, publishId, target }: AcceptPublish): boolean => {
    if (target.kind === 'users') return haveDevices.get(instanceId, publishId) === undefined;
    return target.kind === 'interests' && !target.interests.some((name) => isSubscribedTo.get(instanceId, name));
  };

  const reachesNobody = (item: AcceptPublish, audience: Audience): boolean => {
    let cursor = { user: 0, device: 0 };
    const range = { ...item, audience, end: { user: 0, device: openEnd } };
    for (let page = 0; page < pagesToLookThrough; page += 1) {
      const { devices, next } = readPage(range, cursor, 200);
      if (devices.length > 0) return false;
      if (!next) return true;
      cursor = next;
    }
    return false;
  };

  const accept = (item: AcceptPublish): AcceptAnswer => {
    const { instanceId, publishId, target, platforms, body, urlTarget, sendAfter } = item;
    const now = Date.now();
    const { audience, unreached } = toAudience(item);
    if (audience.kind !== 'users' && audience.kind !== 'interests') {
      // Who is there when a scheduled publish is due is seen then; devices that are named exist or do not.
      const isKnownNow = sendAfter === undefined || audience.kind === 'devices';
      if (isKnownNow && reachesNobody(item, audience)) {
        return { publishId: null, unreached, replayed: false, finished: false };
      }
    }
    let endUser = 0;
    if (target.kind === 'users') {
      // Well-formed, as names are where they are bound alone: SQLite's JSON would keep a lone surrogate's bytes.
      const names = JSON.stringify([...new Set(target.users.map((user) => user.toWellFormed()))]);
      insertUsers.run(instanceId, names, dayOf(now));
      insertPublishUsers.run(instanceId, publishId, userStates.noDevices, names);
      endUser = lastUser.get(instanceId, publishId)?.number ?? 0;
    }
    const finished = sendAfter === undefined && hasNoDevice(item);
    insertPublish.run(
      ...[instanceId, publishId, now, target.kind, JSON.stringify(audience), JSON.stringify(platforms)],
      ...[
        sealer.seal(publishBodyPlace(item), JSON.stringify(body)),
        urlTarget,
        sendAfter ?? null,
        finished ? now : null,
      ],
    );
    if (urlTarget !== null) {
      outbox.addToUrl(outbox.addEvent({ instanceId, publishId }, 'publish.started'), urlTarget, false);
    }
    if (finished) {
      close({ instanceId, publishId, targetKind: target.kind, urlTarget });
    } else {
      const endDevice = sendAfter === undefined ? (lastDevice.get()?.number ?? 0) : openEnd;
      insertRange.run(instanceId, publishId, endUser, endDevice, Math.max(now, sendAfter ?? now));
    }
    return { publishId, unreached, replayed: false, finished };
  };

  return (item) => {
    const { instanceId, idempotencyKey: key } = item;
    if (key === undefined) return accept(item);
    const earlier = answers.find(instanceId, key);
    if (earlier) return earlier;
    const answer = accept(item);
    answers.keep(instanceId, key, answer);
    return answer;
  };
}

/** What requests with a key were answered, for 30 days. */
function prepareAnswers(db: DatabaseSync) {
  const findAnswer = prepare<{ answer: string }>(
    db,
    'SELECT answer FROM idempotency_keys WHERE instance_id = ? AND key = ? AND expires_at > ?',
  );
  const keepAnswer = prepare(
    db,
    `INSERT INTO idempotency_keys (instance_id, key, answer, expires_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (instance_id, key) DO UPDATE SET answer = excluded.answer, expires_at = excluded.expires_at`,
  );
  const listNames = prepare<{ name: string }>(
    db,
    'SELECT u.name FROM json_each(?) AS j CROSS JOIN users u ON u.number = j.value WHERE u.name IS NOT NULL',
  );
  const useName = prepareUseName(db);
  // Each new key takes two old ones away, so that nobody has to come and clean up.
  const deleteExpired = prepare(
    db,
    `DELETE FROM idempotency_keys WHERE (instance_id, key) IN
       (SELECT instance_id, key FROM idempotency_keys WHERE expires_at <= ? ORDER BY expires_at LIMIT 2)`,
  );
  return {
    find: (instanceId: string, key: string): AcceptAnswer | null => {
      const found = findAnswer.get(instanceId, key, Date.now());
      if (!found) return null;
      const { publishId, deviceIds, aliasNumbers } = JSON.parse(found.answer) as KeptAnswer;
      const aliases = listNames.all(JSON.stringify(aliasNumbers)).map(({ name }) => name);
      return { publishId, unreached: { deviceIds, aliases }, replayed: true, finished: false };
    },
    keep: (instanceId: string, key: string, { publishId, unreached }: AcceptAnswer): void => {
      const now = Date.now();
      deleteExpired.run(now);
      const aliasNumbers = unreached.aliases.map((alias) => useName.get(instanceId, alias, dayOf(now))?.number ?? 0);
      const kept: KeptAnswer = { publishId, deviceIds: unreached.deviceIds, aliasNumbers };
      keepAnswer.run(instanceId, key, JSON.stringify(kept), now + keyLifeMs);
    },
  };
}

/** Turns a target into what its audience is read by, and says what of it reaches nobody now. */
function prepareToAudience(
  db: DatabaseSync,
): (item: AcceptPublish) => { readonly audience: Audience; readonly unreached: AcceptAnswer['unreached'] } {
  const findDevice = prepare<{ number: number; reachable: 0 | 1 }>(
    db,
    `SELECT d.number, d.gone_at IS NULL AND d.muted_at IS NULL AS reachable
     FROM devices d INDEXED BY devices_by_id WHERE ${hasId} AND d.platform IN (SELECT value FROM json_each(?))`,
  );
  const findAlias = prepare<{ number: number; reachable: 0 | 1 }>(
    db,
    `SELECT u.number, EXISTS (SELECT 1 FROM devices d INDEXED BY devices_by_alias
       WHERE d.instance_id = u.instance_id AND d.alias_number = u.number AND d.muted_at IS NULL)
       OR EXISTS (SELECT 1 FROM devices d INDEXED BY devices_by_user
         WHERE d.instance_id = u.instance_id AND d.user_number = u.number AND d.gone_at IS NULL AND d.muted_at IS NULL)
       AS reachable
     FROM users u WHERE u.instance_id = ? AND u.name = ?`,
  );

  return ({ instanceId, target, platforms }) => {
    const families = 'families' in target && target.families ? { families: target.families } : {};
    switch (target.kind) {
      case 'interests':
        return {
          audience: { kind: 'interests', interests: [...new Set(target.interests)] },
          unreached: everybodyReached,
        };
      case 'users':
        return { audience: { kind: 'users' }, unreached: everybodyReached };
      case 'everyone':
        return { audience: { kind: 'everyone', ...families }, unreached: everybodyReached };
      case 'tags':
        return { audience: { kind: 'tags', filter: target.filter, ...families }, unreached: everybodyReached };
      case 'devices': {
        const unreached = { deviceIds: [] as string[], aliases: [] as string[] };
        const deviceNumbers = new Set<number>();
        for (const id of new Set(target.deviceIds)) {
          const found = findDevice
            .all(...idValues({ instanceId, deviceId: id }), JSON.stringify(platforms))
            .filter((row) => row.reachable === 1);
          for (const { number } of found) deviceNumbers.add(number);
          if (found.length === 0) unreached.deviceIds.push(id);
        }
        const aliasNumbers = new Set<number>();
        for (const alias of new Set(target.aliases)) {
          const found = findAlias.get(instanceId, alias);
          if (found?.reachable === 1) aliasNumbers.add(found.number);
          else unreached.aliases.push(alias);
        }
        const named = { deviceNumbers: [...deviceNumbers], aliasNumbers: [...aliasNumbers] };
        return { audience: { kind: 'devices', ...named, ...families }, unreached };
      }
    }
  };
}
