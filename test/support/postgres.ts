import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { openPostgresStore } from '../../src/storage/postgres/open-postgres-store.ts';
import { askForPostgres } from './postgres-on-demand.ts';

export interface TestDatabase {
  /** `postgres://…`, without a password; any number of connections. */
  readonly url: string;
  /** Also when somebody is still connected. */
  readonly drop: () => Promise<void>;
}

const migrations = new URL('../../src/storage/migrations/postgres/', import.meta.url);
/** Of the lock of those who make the template. */
const templateLock = 4_170_215_386;
let knownTemplate: Promise<string> | undefined;

/** A new database on the run's PostgreSQL: empty, or with the schema in it, which is faster than to migrate. */
export async function createTestDatabase({ migrated = false } = {}): Promise<TestDatabase> {
  const server = await askForPostgres();
  const name = `pharos_test_${randomBytes(8).toString('hex')}`;
  // Nobody may be connected to what is copied: to template1 somebody could be.
  const template = migrated ? await (knownTemplate ??= ensureTemplate(server)) : 'template0';
  await on(server, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  return {
    url: urlOf(server, name),
    drop: () => on(server, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

/** A database that has the schema of today's migrations, and no connection. */
async function ensureTemplate(server: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of readdirSync(migrations).toSorted()) hash.update(readFileSync(new URL(file, migrations)));
  const name = `pharos_template_${hash.digest('hex').slice(0, 16)}`;
  await on(server, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [templateLock]);
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount !== 0) return;
    await client.query(`DROP DATABASE IF EXISTS ${name}_draft`);
    await client.query(`CREATE DATABASE ${name}_draft TEMPLATE template0`);
    await (await openPostgresStore({ url: urlOf(server, `${name}_draft`) })).close();
    await client.query(`ALTER DATABASE ${name}_draft RENAME TO ${name}`);
  });
  return name;
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

async function on(server: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
