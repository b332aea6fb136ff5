import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import { databaseAt, withClient } from './postgres-client.ts';
import { askForPostgres, isServerGiven } from './postgres-on-demand.ts';
import { ensureTemplate } from './postgres-template.ts';

export interface TestDatabase {
  /** `postgres://…`, without a password; any number of connections. */
  readonly url: string;
  /** Also when somebody is still connected. */
  readonly drop: () => Promise<void>;
}

let template: Promise<string> | undefined;

/** A new empty database on the run's PostgreSQL. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = await askForPostgres();
  // Nobody may be connected to what is copied: to template1 somebody could be.
  const name = await withClient(server, (client) => copy(client, 'template0'));
  return { url: databaseAt(server, name), drop: () => withClient(server, (client) => drop(client, name)) };
}

/** A database with the schema and nothing else. On a server of ours, one that another test has done with is used again. */
export async function createMigratedDatabase(): Promise<TestDatabase> {
  const server = await askForPostgres();
  const from = await (template ??= ensureTemplate(server));
  const name = await withClient(server, async (client) => (await takeFree(client, from)) ?? copy(client, from));
  const url = databaseAt(server, name);
  const leave = (): Promise<void> =>
    withClient(server, async (client) => {
      if (isServerGiven()) return drop(client, name);
      await client.query('SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1', [name]);
      await withClient(url, (inside) => inside.query('SELECT test_seed.reset()'));
      await client.query('INSERT INTO pharos_free_databases (name, template) VALUES ($1, $2)', [name, from]);
    });
  let left: Promise<void> | undefined;
  // Once: afterwards it is another test's.
  return { url, drop: () => (left ??= leave()) };
}

async function takeFree(client: Client, from: string): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `DELETE FROM pharos_free_databases WHERE name =
       (SELECT name FROM pharos_free_databases WHERE template = $1 LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING name`,
    [from],
  );
  return rows[0]?.name;
}

async function copy(client: Client, from: string): Promise<string> {
  const name = `pharos_test_${randomBytes(8).toString('hex')}`;
  await client.query(`CREATE DATABASE ${name} TEMPLATE ${from}`);
  return name;
}

async function drop(client: Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}
