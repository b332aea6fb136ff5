import type { ItemResult } from '../../core/ports/command.ts';
import { StoreUnavailable } from '../../core/ports/command.ts';
import type { Commit } from '../../core/ports/metrics.ts';
import { againAfterConflicts } from './again-after-conflicts.ts';
import type { Database, Sql } from './database.ts';
import type { CommandHandler } from './handlers.ts';
import { CommitLost, isUnavailable } from './unavailable.ts';

interface WaitingCall {
  readonly items: readonly unknown[];
  resolve(results: readonly ItemResult<unknown>[]): void;
  reject(error: Error): void;
}

export interface CommandLaneOptions {
  readonly database: Database;
  readonly handler: CommandHandler<unknown, unknown>;
  /** Takes so many items into account; false: there is no room for them. */
  readonly reserve: (items: number) => boolean;
  readonly release: (items: number) => void;
  readonly onCommit: (commit: Commit) => void;
}

/** Items of one transaction; a call with more is one transaction all the same. */
const maxItems = 256;

/**
 * Carries out one command. Group commit: what is called during a transaction shares the next one. An item that throws is
 * rolled back alone; when the database as a whole fails, every call of the transaction rejects with `StoreUnavailable`.
 */
export class CommandLane {
  readonly #options: CommandLaneOptions;
  #waiting: WaitingCall[] = [];
  #working = false;

  constructor(options: CommandLaneOptions) {
    this.#options = options;
  }

  call(items: readonly unknown[]): Promise<readonly ItemResult<unknown>[]> {
    if (!this.#options.reserve(items.length)) {
      return Promise.reject(new StoreUnavailable('the queue of the store is full'));
    }
    const answered = new Promise<readonly ItemResult<unknown>[]>((resolve, reject) =>
      this.#waiting.push({ items, resolve, reject }),
    );
    if (!this.#working) {
      this.#working = true;
      // Calls of the same turn of the event loop share the first transaction.
      setImmediate(() => void this.#work());
    }
    return answered.finally(() => this.#options.release(items.length));
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit(this.#take());
    this.#working = false;
  }

  #take(): readonly WaitingCall[] {
    let count = 0;
    let size = 0;
    for (const { items } of this.#waiting) {
      if (count > 0 && size + items.length > maxItems) break;
      count += 1;
      size += items.length;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(calls: readonly WaitingCall[]): Promise<void> {
    const items = calls.flatMap((call) => call.items);
    const startedAt = performance.now();
    const told = (written: boolean) =>
      this.#options.onCommit({ items: items.length, durationMs: performance.now() - startedAt, written });
    try {
      const results = await this.#run(items);
      told(true);
      let first = 0;
      for (const call of calls) {
        call.resolve(results.slice(first, first + call.items.length));
        first += call.items.length;
      }
    } catch (error) {
      told(false);
      const unavailable = new StoreUnavailable(messageOf(error), {
        cause: error,
        mayBeDone: error instanceof CommitLost,
      });
      for (const call of calls) call.reject(unavailable);
    }
  }

  async #run(items: readonly unknown[]): Promise<readonly ItemResult<unknown>[]> {
    const { database, handler } = this.#options;
    try {
      return await againAfterConflicts(() => database.transaction((sql) => runAll(handler, sql, items)));
    } catch (error) {
      if (isUnavailable(error)) throw error;
      if (items.length === 1) return [{ ok: false, error: asError(error) }];
      // One of them is poisoned: now each has a savepoint.
      return againAfterConflicts(() => database.transaction((sql) => runApart(handler, sql, items)));
    }
  }
}

async function runAll(
  handler: CommandHandler<unknown, unknown>,
  sql: Sql,
  items: readonly unknown[],
): Promise<readonly ItemResult<unknown>[]> {
  const values: unknown[] = [];
  if (handler.kind === 'batch') values.push(...(await handler.run(sql, items)));
  else for (const item of items) values.push(await handler.run(sql, item));
  if (values.length !== items.length) throw new Error('a command answered with another number of results than items');
  return values.map((value) => ({ ok: true, value }));
}

async function runApart(
  handler: CommandHandler<unknown, unknown>,
  sql: Sql,
  items: readonly unknown[],
): Promise<readonly ItemResult<unknown>[]> {
  const results: ItemResult<unknown>[] = [];
  for (const item of items) {
    await sql.script('SAVEPOINT item');
    try {
      results.push(...(await runAll(handler, sql, [item])));
      await sql.script('RELEASE SAVEPOINT item');
    } catch (error) {
      if (isUnavailable(error)) throw error;
      await sql.script('ROLLBACK TO SAVEPOINT item');
      results.push({ ok: false, error: asError(error) });
    }
  }
  return results;
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
const messageOf = (thrown: unknown): string => `the database is not available: ${asError(thrown).message}`;
