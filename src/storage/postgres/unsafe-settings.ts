import type { Sql } from './database.ts';

const listUnsafe = `
  SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name`;

/** Settings of the database's server with which the end of its machine takes along what was answered, or the whole database. */
export const listUnsafeSettings = async (sql: Sql): Promise<readonly string[]> =>
  (await sql.all<{ name: string }>(listUnsafe)).map(({ name }) => name);
