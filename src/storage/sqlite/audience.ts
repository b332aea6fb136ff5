import type { DatabaseSync } from 'node:sqlite';
import type { Audience, AudienceCursor, AudiencePage } from '../../core/ports/publish-store.ts';
import type { AudienceToRead, DeviceRow } from '../rows/audience-row.ts';
import { sdkMetadata, toDevices } from '../rows/audience-row.ts';
import { prepare } from './statement.ts';
import { prepareFindByTags } from './tags.ts';

export type ReadAudiencePage = (range: AudienceToRead, cursor: AudienceCursor, limit: number) => AudiencePage;

/** Pages of a publish's audience: each device once, in cursor order. */
export function prepareReadAudiencePage(db: DatabaseSync): ReadAudiencePage {
  const listNumbers = prepareListNumbers(db);
  const listDevices = prepare<DeviceRow>(
    db,
    `SELECT d.number, d.user_number, d.platform, d.address, d.keys, d.bundle_identifier, d.registered_at, ${sdkMetadata}
     FROM json_each(?) AS j CROSS JOIN devices d ON d.number = j.value
     WHERE d.instance_id = ? AND d.gone_at IS NULL AND d.muted_at IS NULL`,
  );
  // Nested loops in the order of both indexes: nothing is sorted, and reading stops at the limit.
  const listDevicesOfUsers = prepare<DeviceRow & { user_number: number; muted_at: number | null }>(
    db,
    `SELECT d.number, d.user_number, d.platform, d.address, d.keys, d.bundle_identifier, d.registered_at, ${sdkMetadata},
       d.muted_at
     FROM publish_users pu CROSS JOIN devices d INDEXED BY devices_by_user
       ON d.instance_id = pu.instance_id AND d.user_number = pu.user_number AND d.gone_at IS NULL
     WHERE pu.instance_id = ?1 AND pu.publish_id = ?2 AND pu.user_number >= ?3 AND pu.user_number <= ?5
       AND (pu.user_number > ?3 OR d.number > ?4) AND d.number <= ?6
     ORDER BY pu.user_number, d.number LIMIT ?7`,
  );

  const readUsersPage: ReadAudiencePage = (range, cursor, limit) => {
    const { instanceId, publishId, end } = range;
    const rows = listDevicesOfUsers.all(
      ...[instanceId, publishId, cursor.user, cursor.device, end.user, end.device, limit + 1],
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      devices: toDevices(
        range,
        page.filter((row) => row.muted_at === null),
      ),
      next: rows.length > limit && last ? { user: last.user_number, device: last.number } : null,
    };
  };

  return (range, cursor, limit) => {
    const { audience, instanceId, end } = range;
    if (audience.kind === 'users') return readUsersPage(range, cursor, limit);
    const scan = { instanceId, after: cursor.device, end: end.device, limit };
    const { numbers, lookedUpTo } = listNumbers(audience, scan);
    return {
      devices: toDevices(range, listDevices.all(JSON.stringify(numbers), instanceId)),
      next: lookedUpTo === null ? null : { user: 0, device: lookedUpTo },
    };
  };
}

type FindNumbers = ReturnType<typeof prepareFindByTags>;
type Scan = Parameters<FindNumbers>[1];
type Found = ReturnType<FindNumbers>;

/** Device numbers in order, at most a page of them; `lookedUpTo` is null at the end. */
function prepareListNumbers(db: DatabaseSync): (audience: Audience, scan: Scan) => Found {
  const listSubscribed = prepare<{ number: number }>(
    db,
    `SELECT device_number AS number FROM device_interests
     WHERE instance_id = ? AND interest = ? AND device_number > ? AND device_number <= ?
     ORDER BY device_number LIMIT ?`,
  );
  const listWithAlias = prepare<{ number: number }>(
    db,
    `SELECT number FROM devices INDEXED BY devices_by_alias
     WHERE instance_id = ? AND alias_number = ? AND number > ? AND number <= ? ORDER BY number LIMIT ?`,
  );
  const listOfUser = prepare<{ number: number }>(
    db,
    `SELECT number FROM devices INDEXED BY devices_by_user
     WHERE instance_id = ? AND user_number = ? AND gone_at IS NULL AND number > ? AND number <= ?
     ORDER BY number LIMIT ?`,
  );
  const listReachable = prepare<{ number: number }>(
    db,
    `SELECT number FROM devices INDEXED BY devices_reachable
     WHERE instance_id = ? AND number > ? AND number <= ? AND gone_at IS NULL AND muted_at IS NULL
     ORDER BY number LIMIT ?`,
  );
  const findByTags = prepareFindByTags(db);

  return (audience, { instanceId, after, end, limit }) => {
    // One ordered scan a name, merged here: `IN (…) ORDER BY` would sort the whole audience for every page.
    const numbers = new Set<number>();
    const add = (rows: readonly { number: number }[]) => rows.forEach(({ number }) => numbers.add(number));
    switch (audience.kind) {
      case 'users':
        throw new Error('an audience of users is not read by device numbers alone');
      case 'tags':
        return findByTags(audience.filter, { instanceId, after, end, limit });
      case 'everyone':
        add(listReachable.all(instanceId, after, end, limit + 1));
        break;
      case 'interests':
        for (const name of audience.interests) add(listSubscribed.all(instanceId, name, after, end, limit + 1));
        break;
      case 'devices':
        for (const number of audience.deviceNumbers) if (number > after && number <= end) numbers.add(number);
        for (const name of audience.aliasNumbers) {
          add(listWithAlias.all(instanceId, name, after, end, limit + 1));
          add(listOfUser.all(instanceId, name, after, end, limit + 1));
        }
    }
    const merged = [...numbers].sort((a, b) => a - b);
    const page = merged.slice(0, limit);
    return { numbers: page, lookedUpTo: merged.length > limit ? (page.at(-1) ?? null) : null };
  };
}
