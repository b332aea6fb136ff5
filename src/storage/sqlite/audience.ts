import type { DatabaseSync } from 'node:sqlite';
import type {
  AudienceCursor,
  AudienceDevice,
  AudiencePage,
  ClaimedRange,
  PublishQueries,
} from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import type { QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';

interface DeviceRow {
  number: number;
  user_number: number | null;
  platform: Platform;
  address: string;
  keys: Uint8Array;
}

/** Pages of a publish's audience: each device once, in cursor order. */
export function prepareReadAudiencePage(db: DatabaseSync): QueryHandlers<PublishQueries>['readAudiencePage'] {
  const listSubscribed = prepare<{ number: number }>(
    db,
    `SELECT device_number AS number FROM device_interests
     WHERE instance_id = ? AND interest = ? AND device_number > ? AND device_number <= ?
     ORDER BY device_number LIMIT ?`,
  );
  const listDevices = prepare<DeviceRow>(
    db,
    `SELECT d.number, d.user_number, d.platform, d.address, d.keys
     FROM json_each(?) AS j CROSS JOIN devices d ON d.number = j.value WHERE d.gone_at IS NULL`,
  );
  // Nested loops in the order of both indexes: nothing is sorted, and reading stops at the limit.
  const listDevicesOfUsers = prepare<DeviceRow & { user_number: number }>(
    db,
    `SELECT d.number, d.user_number, d.platform, d.address, d.keys
     FROM publish_users pu CROSS JOIN devices d INDEXED BY devices_by_user
       ON d.instance_id = pu.instance_id AND d.user_number = pu.user_number AND d.gone_at IS NULL
     WHERE pu.instance_id = ?1 AND pu.publish_id = ?2 AND pu.user_number >= ?3 AND pu.user_number <= ?5
       AND (pu.user_number > ?3 OR d.number > ?4) AND d.number <= ?6
     ORDER BY pu.user_number, d.number LIMIT ?7`,
  );

  const readInterestsPage = (range: ClaimedRange, cursor: AudienceCursor, limit: number): AudiencePage => {
    // One ordered scan per interest, merged here: `IN (…) ORDER BY` would sort the whole audience for every page.
    const numbers = new Set<number>();
    for (const interest of range.interests) {
      const rows = listSubscribed.all(range.instanceId, interest, cursor.device, range.end.device, limit + 1);
      for (const { number } of rows) numbers.add(number);
    }
    const merged = [...numbers].sort((a, b) => a - b);
    const page = merged.slice(0, limit);
    const last = page.at(-1);
    return {
      devices: toDevices(range, listDevices.all(JSON.stringify(page))),
      next: merged.length > limit && last !== undefined ? { user: 0, device: last } : null,
    };
  };

  const readUsersPage = (range: ClaimedRange, cursor: AudienceCursor, limit: number): AudiencePage => {
    const { instanceId, publishId, end } = range;
    const rows = listDevicesOfUsers.all(
      ...[instanceId, publishId, cursor.user, cursor.device, end.user, end.device, limit + 1],
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      devices: toDevices(range, page),
      next: rows.length > limit && last ? { user: last.user_number, device: last.number } : null,
    };
  };

  return (range, cursor, limit) =>
    range.targetKind === 'users' ? readUsersPage(range, cursor, limit) : readInterestsPage(range, cursor, limit);
}

const toDevices = (range: ClaimedRange, rows: readonly DeviceRow[]): AudienceDevice[] =>
  rows
    .filter((row) => range.platforms.includes(row.platform))
    .map((row) => ({
      deviceNumber: row.number,
      userNumber: row.user_number,
      platform: row.platform,
      address: row.address,
      keys: row.keys,
    }));
