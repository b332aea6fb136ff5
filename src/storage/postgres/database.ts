import pg from 'pg';
import type { CustomTypesConfig } from 'pg';
import type { Clock } from '../../core/ports/clock.ts';
import { CannotConnect, CommitLost, isConflict, isConnectionError, isReadOnly, isUnavailable } from './unavailable.ts';

/** What a parameter of a statement may be. Arrays are PostgreSQL arrays; JSON is passed as text. */
export type SqlValue = string | number | boolean | Uint8Array | null | readonly SqlValue[];

/** Runs statements: a transaction's, or each in one of its own. `Row` is what the SQL selects; nothing checks it. */
export interface Sql {
  get<Row>(statement: string, values?: readonly SqlValue[]): Promise<Row | undefined>;
  all<Row>(statement: string, values?: readonly SqlValue[]): Promise<Row[]>;
  /** Answers how many rows were changed. */
  run(statement: string, values?: readonly SqlValue[]): Promise<number>;
  /** Several statements, without parameters. */
  script(statements: string): Promise<void>;
  /** For ids; what becomes due when is the database's to say. */
  readonly clock: Clock;
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`; what else may stand in it: https://node-postgres.com/apis/client. */
  readonly url: string;
  readonly maxConnections: number;
  /** False behind a pooler that does not keep prepared statements (PgBouncer before 1.21, in transaction mode). */
  readonly preparedStatements: boolean;
  readonly clock?: Clock | undefined;
}

/** Longer than any statement of ours takes; a database that does not answer for so long is gone. */
const statementTimeoutMs = 10_000;
/** After that: the database says by itself that a statement took too long. */
const answerTimeoutMs = 2_000;
const connectTimeoutMs = 5_000;
/** A node that froze in the middle of a transaction lets go of its locks after this. */
const idleInTransactionTimeoutMs = 10_000;

const parseInt8 = Number;
const parseBytea = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.slice(2), 'hex'));
const parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, parseInt8],
  [pg.types.builtins.BYTEA, parseBytea],
]);
/** Our integers are milliseconds, counts and numbers of rows: all below 2^53. */
const types: CustomTypesConfig = {
  getTypeParser: (oid, format): unknown => parsers.get(oid) ?? pg.types.getTypeParser(oid, format),
};

/** Connections to the database. They are opened when they are needed, and again after they were lost. */
export class Database {
  readonly #pool: pg.Pool;
  readonly #names: Map<string, string> | null;
  readonly #clock: Clock;

  constructor({ url, maxConnections, preparedStatements, clock = Date.now }: DatabaseOptions) {
    this.#clock = clock;
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: 'pharos',
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: statementTimeoutMs + answerTimeoutMs,
      keepAlive: true,
      types,
    });
    // A connection that dies while nobody uses it is replaced when somebody does.
    this.#pool.on('error', () => {});
    // One that dies between the pool's hands and ours has nobody else who listens, which would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
    this.#names = preparedStatements ? new Map() : null;
  }

  /**
   * Runs `work` in one transaction: committed, and synced to disk, when it resolves; rolled back when it rejects.
   * `isolation`: what all its statements see; by default each sees what was committed before it. `timeoutMs`: of a statement.
   */
  async transaction<Result>(
    work: (sql: Sql) => Promise<Result>,
    isolation: 'READ COMMITTED' | 'REPEATABLE READ READ ONLY' = 'READ COMMITTED',
    timeoutMs = statementTimeoutMs,
  ): Promise<Result> {
    const client = await this.#connect();
    let failure: Error | undefined;
    // A connection that is lost between two statements tells it by an event alone; the next statement rejects.
    const onError = (error: Error): void => void (failure = error);
    client.on('error', onError);
    try {
      // One round trip, without a session's memory: a pooler may give the next transaction to somebody else.
      // Many small statements at a time: none is worth being compiled, or a process of its own. Each finds a few rows by
      // an index. A table that was just filled and not analyzed yet looks so small that reading all of it seems cheaper, and
      // that plan would be kept.
      await client.query(
        `BEGIN ISOLATION LEVEL ${isolation}; SET LOCAL synchronous_commit = on;
         SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0;
         SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
         SET LOCAL enable_bitmapscan = off;
         SET LOCAL statement_timeout = ${timeoutMs};
         SET LOCAL idle_in_transaction_session_timeout = ${idleInTransactionTimeoutMs}`,
      );
      const result = await work(this.#toSql((query) => client.query(query), timeoutMs));
      await client.query('COMMIT').catch((error: Error) => {
        throw isUnavailable(error) && !isConflict(error) ? new CommitLost(error.message, { cause: error }) : error;
      });
      return result;
    } catch (error) {
      // A connection that does not answer would not answer this either; without it the database rolls back.
      if (isConnectionError(error)) failure ??= error;
      else await client.query('ROLLBACK').catch((rollbackError: Error) => void (failure ??= rollbackError));
      // A primary that has become a replica keeps its connections: a new one finds whoever is the primary now.
      if (isReadOnly(error)) failure ??= error;
      throw error;
    } finally {
      client.off('error', onError);
      client.release(failure);
    }
  }

  /** Each statement in a transaction of its own. */
  get sql(): Sql {
    return this.#toSql(async (query) => {
      const client = await this.#connect();
      let failure: Error | undefined;
      try {
        return await client.query(query);
      } catch (error) {
        failure = error as Error;
        throw error;
      } finally {
        client.release(failure);
      }
    });
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (cause) {
      throw new CannotConnect((cause as Error).message, { cause });
    }
  }

  #toSql(run: (query: pg.QueryConfig) => Promise<pg.QueryResult>, timeoutMs = statementTimeoutMs): Sql {
    // node-postgres takes it from a query, although its types do not say so.
    const inTime = (query: pg.QueryConfig): pg.QueryConfig =>
      Object.assign(query, { query_timeout: timeoutMs + answerTimeoutMs });
    const query = (statement: string, values: readonly SqlValue[] = []) =>
      run(inTime(this.#toQuery(statement, values)));
    return {
      get: async <Row>(statement: string, values?: readonly SqlValue[]) =>
        (await query(statement, values)).rows[0] as Row | undefined,
      all: async <Row>(statement: string, values?: readonly SqlValue[]) =>
        (await query(statement, values)).rows as Row[],
      run: async (statement, values) => (await query(statement, values)).rowCount ?? 0,
      script: async (statements) => void (await run(inTime({ text: statements }))),
      clock: this.#clock,
    };
  }

  #toQuery(text: string, values: readonly SqlValue[]): pg.QueryConfig {
    const query = { text, values: values.map(toParameter) };
    if (!this.#names) return query;
    const name = this.#names.get(text) ?? `s${this.#names.size + 1}`;
    this.#names.set(text, name);
    return { ...query, name };
  }
}

/** PostgreSQL's text has no U+0000 (https://www.postgresql.org/docs/current/datatype-character.html): it becomes U+FFFD, like a lone surrogate. */
const toParameter = (value: SqlValue): unknown => {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return Array.isArray(value) ? value.map(toParameter) : value;
};
