import type { StoreCommands } from '../../core/ports/store.ts';
import type { Call, Reply, Sent } from './thread-protocol.ts';

type Names = ReadonlySet<string>;

/** Commands whose items are the same after they were JSON. */
const itemsAreJson: Names = new Set([
  'acceptPublishes',
  'recordReports',
  'completeAttempts',
] satisfies readonly (keyof StoreCommands)[]);

/** Answers too. */
const answersAreJson: Names = new Set([
  ...itemsAreJson,
  ...(['claimMessages'] satisfies readonly (keyof StoreCommands)[]),
]);

type CallRow = readonly [id: number, name: string, input: readonly unknown[]];
type ReplyRow = readonly [id: number, values: readonly unknown[]];

export function packCalls(calls: readonly Call[]): Sent<Call> {
  const rows: CallRow[] = [];
  const cloned: Call[] = [];
  for (const call of calls) {
    if (itemsAreJson.has(call.name)) rows.push([call.id, call.name, call.input]);
    else cloned.push(call);
  }
  return { json: toJson(rows), cloned };
}

/** In the order in which they were made. */
export function unpackCalls({ json, cloned }: Sent<Call>): readonly Call[] {
  if (json === '') return cloned;
  const calls = (JSON.parse(json) as readonly CallRow[]).map(([id, name, input]) => ({ id, name, input }));
  return cloned.length === 0 ? calls : [...calls, ...cloned].toSorted((one, other) => one.id - other.id);
}

/** `replies` are in the order of `calls`. */
export function packReplies(calls: readonly Call[], replies: readonly Reply[]): Sent<Reply> {
  const rows: ReplyRow[] = [];
  const cloned: Reply[] = [];
  for (const [index, reply] of replies.entries()) {
    const { id, outcome } = reply;
    if (outcome.kind === 'all-done' && answersAreJson.has(calls[index]?.name ?? '')) rows.push([id, outcome.values]);
    else cloned.push(reply);
  }
  return { json: toJson(rows), cloned };
}

export function unpackReplies({ json, cloned }: Sent<Reply>): readonly Reply[] {
  if (json === '') return cloned;
  const replies = (JSON.parse(json) as readonly ReplyRow[]).map(([id, values]): Reply => ({
    id,
    outcome: { kind: 'all-done', values },
  }));
  return [...replies, ...cloned];
}

const toJson = (rows: readonly unknown[]): string => (rows.length === 0 ? '' : JSON.stringify(rows));
