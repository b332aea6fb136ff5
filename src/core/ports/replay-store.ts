import type { EventType, PublishWebhookType } from '../../protocol/event-types.ts';
import type { Command } from './command.ts';
import type { MessageKey, MessageTarget } from './message-store.ts';

/** What may be sent again once it is over: messages in any other state are waiting, or have nobody to go to. */
export type ReplayedState = 'delivered' | 'exhausted' | 'held';

export interface ReplayKey {
  readonly instanceId: string;
  /** UUID v7. */
  readonly replayId: string;
}

/** Sends messages of one target again, oldest first, until none is left that was written before the replay. */
export interface ReplayRecord extends ReplayKey, MessageTarget {
  readonly states: readonly ReplayedState[];
  /** Null: of every type. */
  readonly eventType: EventType | PublishWebhookType | null;
  /** Messages that were written or last attempted since; null: all that are kept. */
  readonly since: number | null;
  /** Null: as fast as the target takes them. */
  readonly maxPerSecond: number | null;
}

export type ReplayState = 'running' | 'done' | 'canceled';

export interface ReplayView extends ReplayRecord {
  readonly createdAt: number;
  readonly state: ReplayState;
  /** How many there are to send; null while they are counted. */
  readonly total: number | null;
  readonly resent: number;
  /** Of those counted: nothing can be sent any more, because the user was erased or the publish is not kept any more. */
  readonly skipped: number;
  readonly endedAt: number | null;
}

/** Why a message cannot be sent again. */
export type ResendRefusal =
  | 'unknown-message'
  /** An attempt is under way. */
  | 'in-flight'
  /** FINISHED does not overtake STARTED. */
  | 'waits-for-started'
  | 'user-erased'
  | 'webhook-deleted'
  | 'webhook-disabled'
  /** What its body is rendered from is not kept any more. */
  | 'publish-deleted';

export interface ReplayCommands {
  /** Makes a message due at once. One that was over begins a new schedule; its attempts go on counting. */
  readonly resendMessages: Command<MessageKey, 'due' | ResendRefusal>;
  readonly createReplays: Command<ReplayRecord, 'created' | 'unknown-webhook'>;
  readonly cancelReplays: Command<ReplayKey, 'canceled' | 'ended' | 'unknown-replay'>;
  /**
   * A small step of the replay that is due first: counts some messages, or makes some due. All of it is one transaction,
   * so no message is made due twice. A replay rests while its target has `maxDue` messages due, or is disabled. `idle`:
   * none is due.
   */
  readonly stepReplays: Command<
    { readonly maxRows: number; readonly maxDue: number },
    | { readonly kind: 'idle' }
    | { readonly kind: 'stepped'; readonly key: ReplayKey; readonly resent: number; readonly ended: boolean }
  >;
}

export interface ReplayQueries {
  /**
   * Targets of `webhookUrl`s that have messages of one of these states, those after `after` (exclusive) in byte order,
   * `limit` at most.
   */
  listUrlTargets(query: {
    readonly instanceId: string;
    readonly states: readonly ReplayedState[];
    readonly after: string;
    readonly limit: number;
  }): Promise<readonly string[]>;
  /** Newest first; those that run, and those that ended and are still kept. */
  listReplays(query: { readonly instanceId: string; readonly limit: number }): Promise<readonly ReplayView[]>;
  findReplay(key: ReplayKey): Promise<ReplayView | null>;
}
