import type { AcceptAnswer, AcceptPublish, Audience } from '../../core/ports/publish-store.ts';
import { isUuid } from '../../protocol/ids.ts';
import type { Sql } from './database.ts';

const everybodyReached = { deviceIds: [], aliases: [] };

// `OFFSET 0`: one by one.
const findDevices = `
  SELECT n.id, d.number FROM unnest($2::uuid[]) AS n (id) CROSS JOIN LATERAL (
    SELECT * FROM devices WHERE id = n.id AND instance_id = $1 OFFSET 0
  ) d
  WHERE d.platform = ANY($3::text[]) AND d.gone_at IS NULL AND d.muted_at IS NULL`;
const findAliases = `
  SELECT u.name, u.number FROM unnest($2::text[]) AS n (name) CROSS JOIN LATERAL (
    SELECT name, number FROM users WHERE instance_id = $1 AND name = n.name OFFSET 0
  ) u
  WHERE EXISTS (SELECT FROM (SELECT muted_at FROM devices
      WHERE instance_id = $1 AND alias_number = u.number OFFSET 0) d WHERE d.muted_at IS NULL OFFSET 0)
    OR EXISTS (SELECT FROM (SELECT muted_at FROM devices
      WHERE instance_id = $1 AND user_number = u.number AND gone_at IS NULL OFFSET 0) d
      WHERE d.muted_at IS NULL OFFSET 0)`;

/** Turns a target into what its audience is read by, and says what of it reaches nobody now. */
export async function toAudience(
  sql: Sql,
  { instanceId, target, platforms }: AcceptPublish,
): Promise<{ readonly audience: Audience; readonly unreached: AcceptAnswer['unreached'] }> {
  const families = 'families' in target && target.families ? { families: target.families } : {};
  const reached = (audience: Audience) => ({ audience, unreached: everybodyReached });
  switch (target.kind) {
    case 'interests':
      return reached({ kind: 'interests', interests: [...new Set(target.interests)] });
    case 'users':
      return reached({ kind: 'users' });
    case 'everyone':
      return reached({ kind: 'everyone', ...families });
    case 'tags':
      return reached({ kind: 'tags', filter: target.filter, ...families });
    case 'devices': {
      const [ids, names] = [[...new Set(target.deviceIds)], [...new Set(target.aliases)]];
      // Senders may write anything; what is no id is the id of nobody.
      const possibleIds = ids.filter(isUuid);
      const devices =
        possibleIds.length === 0
          ? []
          : await sql.all<{ id: string; number: number }>(findDevices, [instanceId, possibleIds, platforms]);
      const aliases =
        names.length === 0 ? [] : await sql.all<{ name: string; number: number }>(findAliases, [instanceId, names]);
      const [foundIds, foundNames] = [devices.map(({ id }) => id), aliases.map(({ name }) => name)];
      const deviceNumbers = [...new Set(devices.map(({ number }) => number))];
      const aliasNumbers = aliases.map(({ number }) => number);
      return {
        audience: { kind: 'devices', deviceNumbers, aliasNumbers, ...families },
        unreached: {
          deviceIds: ids.filter((id) => !foundIds.includes(id)),
          aliases: names.filter((name) => !foundNames.includes(name)),
        },
      };
    }
  }
}
