import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { withClient } from './postgres-client.ts';
import { startPostgres } from './postgres-cluster.ts';
import type { TestDatabase } from './postgres.ts';
import { createMigratedDatabase, createTestDatabase } from './postgres.ts';
import { waitFor } from './wait-for.ts';

const query = (url: string, statement: string): Promise<Record<string, unknown>[]> =>
  withClient(url, async (client) => (await client.query(statement)).rows as Record<string, unknown>[]);

describe('PostgreSQL for tests', () => {
  test('a database is empty and nobody else’s', async () => {
    const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    await query(one.url, 'CREATE TABLE planted (id int)');
    expect(await query(other.url, `SELECT to_regclass('planted') AS planted`)).toEqual([{ planted: null }]);
    await Promise.all([one.drop(), other.drop()]);
    await expect(query(one.url, 'SELECT 1')).rejects.toThrow('does not exist');
  });

  test('a database that is used again is as new', async () => {
    const seen = async ({ url }: TestDatabase) => [
      await query(url, 'SELECT number FROM migrations'),
      await query(url, 'SELECT ahead FROM feed_clock'),
      await query(url, 'SELECT count(*)::int AS rows FROM events'),
      await query(url, 'INSERT INTO users (instance_id, last_used_day) VALUES (gen_random_uuid(), 1) RETURNING number'),
    ];
    const first = await createMigratedDatabase();
    const asNew = await seen(first);
    expect(asNew[3]).toEqual([{ number: '1' }]);
    await query(first.url, 'UPDATE feed_clock SET ahead = 7');
    await first.drop();
    const again = await createMigratedDatabase();
    expect(await seen(again)).toEqual(asNew);
    await again.drop();
  });

  test('a cluster of one’s own keeps what was committed through a crash', async () => {
    const cluster = await startPostgres({ settings: { max_connections: 20 } });
    await query(cluster.url, 'CREATE TABLE kept AS SELECT 7 AS value');
    const before = cluster.pid();
    await cluster.restart('immediate');
    expect(cluster.pid()).not.toBe(before);
    expect(await query(cluster.socketUrl, `SELECT value, current_setting('max_connections') AS max FROM kept`)).toEqual(
      [{ value: 7, max: '20' }],
    );
    await cluster.remove();
    expect(existsSync(cluster.folder)).toBe(false);
  });

  test('it goes with a process that is killed', async () => {
    const program = `
      const { startPostgres } = await import(${JSON.stringify(new URL('./postgres-cluster.ts', import.meta.url).href)});
      const { folder, pid } = await startPostgres();
      console.log(JSON.stringify({ folder, pid: pid() }));
      setInterval(() => undefined, 1_000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { folder, pid } = JSON.parse(line.toString()) as { folder: string; pid: number };
    child.kill('SIGKILL');
    await waitFor('the folder to be removed', () => !existsSync(folder));
    expect(await waitFor('PostgreSQL to end', () => !existsSync(`/proc/${pid}/stat`))).toBe(true);
  });
});
