import type { EventType, PublishWebhookType } from '../../protocol/event-types.ts';
import type { Platform } from '../../protocol/ids.ts';
import type { Command } from './command.ts';

export interface MessageKey {
  readonly instanceId: string;
  /** UUID v7. */
  readonly messageId: string;
}

/** What an event is rendered from: by reference, so that names are filled in when somebody is told of it. */
export interface EventReference {
  readonly instanceId: string;
  readonly eventType: EventType | PublishWebhookType;
  /** UUID v7, the same for everyone who is told of it. */
  readonly eventId: string;
  readonly eventAt: number;
  /** UUID v7 of the publish that the event is about. */
  readonly publishId: string;
  /** User of a report's event; null for other events, `erased` when the name is gone since. */
  readonly user: { readonly name: string } | 'erased' | null;
  /** UUID of the device of a report's event; null for other events, or when its tombstone is gone too. */
  readonly device: { readonly platform: Platform; readonly deviceId: string } | null;
  /** Of a click: the id of the button, '' for the body; null for other events. */
  readonly action: string | null;
}

/** A leased message: one event for one webhook. Its body is rendered from this when it is sent. */
export interface ClaimedMessage extends MessageKey, EventReference {
  readonly claimToken: string;
  /** Null: the target is the `webhookUrl` of the publish. */
  readonly webhookId: string | null;
  /** Attempts made before this one. */
  readonly attempts: number;
}

/** One HTTP request of a message, with what came back. */
export interface AttemptRecord {
  readonly startedAt: number;
  readonly durationMs: number;
  /** Null when there was no response. */
  readonly status: number | null;
  /** In words, without credentials; null when there was a response. */
  readonly error: string | null;
}

export type MessageState = 'waiting' | 'delivered' | 'exhausted' | 'dropped';

/** Why a message was dropped. */
export type DropReason = 'user-erased' | 'webhook-deleted' | 'webhook-disabled';

export interface CompleteAttempt extends MessageKey {
  readonly claimToken: string;
  /** Null: nothing was sent (the webhook is gone or disabled, or the user was erased). */
  readonly attempt: AttemptRecord | null;
  readonly next:
    | { readonly kind: 'delivered' | 'exhausted' }
    | { readonly kind: 'dropped'; readonly reason: DropReason }
    /** Counted from now. Dropped instead when the user was erased meanwhile. */
    | { readonly kind: 'retry'; readonly retryInMs: number };
}

/** Where messages go: a webhook, or (null) the `webhookUrl`s of an instance's publishes. */
export interface MessageTarget {
  readonly instanceId: string;
  readonly webhookId: string | null;
}

export interface ClaimMessages {
  readonly limit: number;
  readonly leaseMs: number;
  /** Attempts that one target may have in flight: one that hangs takes no more places than these. */
  readonly maxPerTarget: number;
  /** What is in flight already, by target. */
  readonly inFlight: readonly (MessageTarget & { readonly count: number })[];
}

export interface MessageCommands {
  /** Due messages; the targets that waited longest come first, and in each target what waited longest. */
  readonly claimMessages: Command<ClaimMessages, readonly ClaimedMessage[]>;
  /** `stale`: the lease was lost to another claim; nothing was written. */
  readonly completeAttempts: Command<CompleteAttempt, 'recorded' | 'stale'>;
}

export interface MessageView extends MessageKey {
  readonly webhookId: string | null;
  readonly eventType: EventType | PublishWebhookType;
  readonly eventId: string;
  readonly eventAt: number;
  readonly publishId: string;
  readonly state: MessageState;
  /** Null unless it was dropped. */
  readonly dropReason: DropReason | null;
  readonly attempts: number;
  /** Null when nothing more will be sent, or when it waits for another message. */
  readonly dueAt: number | null;
}

export interface MessageQueries {
  /** Newest first; `before` is the id of the last message of the page before. */
  listMessages(query: {
    readonly instanceId: string;
    readonly webhookId?: string;
    readonly publishId?: string;
    readonly before?: string;
    readonly limit: number;
  }): Promise<readonly MessageView[]>;
  /** In order; null for an unknown message. */
  listAttempts(key: MessageKey): Promise<readonly AttemptRecord[] | null>;
}
