import type { ClaimedMessage, MessageKey, MessageTarget } from '../../core/ports/message-store.ts';
import type { UndoLog } from './undo-log.ts';

/** A claim of a message that is sent alone, with what its completion needs of the row. */
export interface MessageLease extends MessageKey, MessageTarget {
  /** `rowid` of the message. */
  readonly row: number;
  readonly claimToken: string;
  readonly endsAt: number;
  readonly eventType: ClaimedMessage['eventType'];
  readonly publishId: string | null;
  readonly userNumber: number | null;
  readonly attempts: number;
}

/** A lease that has not ended, for queries. */
export type LiveLease = readonly [messageId: string, row: number, endsAt: number];

/**
 * Claims of messages that are sent alone. One process uses the database, and what an ended one had claimed is due at once,
 * so that a claim need not be written: what is on disk is what a kill leaves. They live as long as the writer's thread.
 */
export interface MessageLeases {
  /** Also one that has ended, as long as nobody else has claimed the message. */
  find(key: MessageKey): MessageLease | undefined;
  add(lease: MessageLease): void;
  /** The claim is void. */
  remove(messageId: string): void;
  isLive(key: MessageKey): boolean;
  /** Rows of a target that somebody has, as SQL's `json_each` takes them. */
  liveRows(target: MessageTarget): string;
  countLive(target: MessageTarget): number;
  /** When the first of the target's leases ends; infinite when nobody has anything. */
  firstEnd(target: MessageTarget): number;
  /** Rows of an instance that were claimed last by whoever may still complete them, as `json_each` takes them. */
  rowsOf(instanceId: string): string;
  listLive(): readonly LiveLease[];
}

/** More than are ever claimed. Not by time: a clock that jumps would have everything forgotten that is on its way. */
const mostRemembered = 100_000;

export function createMessageLeases(undoLog: UndoLog, now: () => number = Date.now): MessageLeases {
  const byMessage = new Map<string, MessageLease>();
  const byTarget = new Map<string, Set<MessageLease>>();

  const take = (lease: MessageLease): void => {
    byMessage.set(lease.messageId, lease);
    const key = keyOf(lease);
    const ofTarget = byTarget.get(key) ?? new Set();
    byTarget.set(key, ofTarget.add(lease));
  };
  const drop = (lease: MessageLease): void => {
    byMessage.delete(lease.messageId);
    const key = keyOf(lease);
    const ofTarget = byTarget.get(key);
    ofTarget?.delete(lease);
    if (ofTarget?.size === 0) byTarget.delete(key);
  };
  const remove = (messageId: string): void => {
    const lease = byMessage.get(messageId);
    if (!lease) return;
    drop(lease);
    undoLog.note(() => take(lease));
  };
  // Only when it must be: on its way to the first, a map passes by those that were there before it.
  const dropOldest = (): void => {
    const [oldest] = byMessage.values();
    if (oldest) drop(oldest);
  };
  const liveOf = (target: MessageTarget): readonly MessageLease[] => {
    const at = now();
    const live: MessageLease[] = [];
    for (const lease of byTarget.get(keyOf(target)) ?? []) {
      if (lease.endsAt > at) live.push(lease);
    }
    return live;
  };
  const find = ({ instanceId, messageId }: MessageKey): MessageLease | undefined => {
    const lease = byMessage.get(messageId);
    return lease?.instanceId === instanceId ? lease : undefined;
  };

  return {
    find,
    add: (lease) => {
      remove(lease.messageId);
      if (byMessage.size >= mostRemembered) dropOldest();
      take(lease);
      undoLog.note(() => drop(lease));
    },
    remove,
    isLive: (key) => (find(key)?.endsAt ?? 0) > now(),
    liveRows: (target) => rowsToJson(liveOf(target)),
    countLive: (target) => liveOf(target).length,
    firstEnd: (target) => Math.min(...liveOf(target).map(({ endsAt }) => endsAt)),
    rowsOf: (instanceId) => rowsToJson([...byMessage.values()].filter((lease) => lease.instanceId === instanceId)),
    listLive: () =>
      [...byMessage.values()]
        .filter(({ endsAt }) => endsAt > now())
        .map(({ messageId, row, endsAt }) => [messageId, row, endsAt]),
  };
}

const rowsToJson = (leases: readonly MessageLease[]): string => JSON.stringify(leases.map(({ row }) => row));
const keyOf = ({ instanceId, target }: MessageTarget): string => `${instanceId} ${target}`;
