import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { askForPostgres } from './postgres-on-demand.ts';

export interface TestDatabase {
  /** `postgres://…`, without a password; any number of connections. */
  readonly url: string;
  /** Also when somebody is still connected. */
  readonly drop: () => Promise<void>;
}

/** A new empty database on the run's PostgreSQL. It takes about 50 ms, dropping it 100 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = await askForPostgres();
  const name = `pharos_test_${randomBytes(8).toString('hex')}`;
  // Nobody may be connected to what is copied: to template1 somebody could be.
  await runOn(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => runOn(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function runOn(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
