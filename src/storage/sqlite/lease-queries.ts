import type { ItemResult } from '../../core/ports/command.ts';
import { StoreUnavailable } from '../../core/ports/command.ts';
import type { StoreQueries } from '../../core/ports/store.ts';
import type { LiveLease } from './message-leases.ts';
import type { Send } from './storage-thread.ts';

/** Queries whose answers depend on what is claimed: the reader is told, since only the writer knows. */
const names = ['listMessages', 'findMessage', 'countAhead', 'measureLoad'] as const;
type LeaseQuery = (typeof names)[number];

type WithLeases<Handler> = Handler extends (...args: infer Args) => infer Value
  ? (...args: [...Args, live: readonly LiveLease[]]) => Value
  : never;

export type KnowingLeases<Handlers> = {
  readonly [Name in keyof Handlers]: Name extends LeaseQuery ? WithLeases<Handlers[Name]> : Handlers[Name];
};

/** Unlike other queries, these wait behind the commit that is under way. */
export const queriesWithLeases = ({ write, read }: { write: Send; read: Send }): Pick<StoreQueries, LeaseQuery> =>
  Object.fromEntries(
    names.map((name) => [
      name,
      async (...args: readonly unknown[]) => read(name, [...args, await listLiveLeases(write)], 1),
    ]),
  ) as Pick<StoreQueries, LeaseQuery>;

/** Empty when the writer cannot say: then what is claimed looks as if it waited. */
async function listLiveLeases(write: Send): Promise<readonly LiveLease[]> {
  try {
    const [result] = (await write('listLiveLeases', [null], 1)) as readonly ItemResult<readonly LiveLease[]>[];
    return result?.ok ? result.value : [];
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return [];
  }
}

/** As SQL's `json_each` takes them. */
export const rowsOf = (live: readonly LiveLease[]): string => JSON.stringify(live.map(([, row]) => row));
