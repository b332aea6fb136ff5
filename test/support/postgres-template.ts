import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Client } from 'pg';
import { openPostgresStore } from '../../src/storage/postgres/open-postgres-store.ts';
import { databaseAt, withClient } from './postgres-client.ts';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';

const migrations = new URL('../../src/storage/migrations/postgres/', import.meta.url);
/** Of the lock of those who make the template. */
const templateLock = 4_170_215_386;

/**
 * A database to make copies of: with the schema, nobody connected, and `test_seed.reset()`, which takes a used copy back to
 * what it was. Answers its name; there is one of each schema.
 */
export async function ensureTemplate(server: string): Promise<string> {
  const hash = createHash('sha256').update(seed);
  for (const file of readdirSync(migrations).toSorted()) hash.update(readFileSync(new URL(file, migrations)));
  const name = `pharos_template_${hash.digest('hex').slice(0, 16)}`;
  await withClient(server, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [templateLock]);
    await client.query(
      'CREATE TABLE IF NOT EXISTS pharos_free_databases (name TEXT PRIMARY KEY, template TEXT NOT NULL)',
    );
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await makeTemplate(server, client, name);
  });
  return name;
}

async function makeTemplate(server: string, client: Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${name}_draft WITH (FORCE)`);
  await client.query(`CREATE DATABASE ${name}_draft TEMPLATE template0`);
  const draft = databaseAt(server, `${name}_draft`);
  await (await openPostgresStore({ sealer: testSealer, url: draft })).close();
  await withClient(draft, (inside) => inside.query(seed));
  await client.query(`ALTER DATABASE ${name}_draft RENAME TO ${name}`);
}

/** Keeps the rows that a migration wrote. A copy is a thousand files; a test leaves few rows, so that deleting is far cheaper. */
const seed = `
  CREATE SCHEMA test_seed;
  DO $$ DECLARE kept TEXT; is_empty BOOLEAN; BEGIN
    FOR kept IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
      EXECUTE format('SELECT NOT EXISTS (SELECT FROM public.%I)', kept) INTO is_empty;
      IF NOT is_empty THEN EXECUTE format('CREATE TABLE test_seed.%1$I AS TABLE public.%1$I', kept); END IF;
    END LOOP;
  END $$;
  CREATE FUNCTION test_seed.reset() RETURNS VOID LANGUAGE plpgsql AS $$ DECLARE given TEXT; BEGIN
    FOR given IN SELECT relname FROM pg_class
                 WHERE relnamespace = 'public'::regnamespace AND (relkind = 'p' OR relkind = 'r' AND NOT relispartition) LOOP
      EXECUTE format('DELETE FROM public.%I', given);
    END LOOP;
    FOR given IN SELECT tablename FROM pg_tables WHERE schemaname = 'test_seed' LOOP
      EXECUTE format('INSERT INTO public.%1$I SELECT * FROM test_seed.%1$I', given);
    END LOOP;
    PERFORM setval(seqrelid, seqstart, false) FROM pg_sequence;
  END $$;
`;
