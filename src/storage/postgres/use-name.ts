import type { Sql } from './database.ts';

const upsertName = `INSERT INTO users (instance_id, name, last_used_day) VALUES ($1, $2, pharos_now() / 86400000)
  ON CONFLICT (instance_id, name) WHERE name IS NOT NULL
  DO UPDATE SET last_used_day = greatest(users.last_used_day, excluded.last_used_day) RETURNING number`;

/**
 * Number of a name, in use today; its row is locked. Claimed names stand where users' names stand, so that erasing a user
 * erases them too.
 */
export async function useName(sql: Sql, instanceId: string, name: string): Promise<number> {
  const user = await sql.get<{ number: number }>(upsertName, [instanceId, name]);
  if (!user) throw new Error('a name was inserted without a number');
  return user.number;
}
