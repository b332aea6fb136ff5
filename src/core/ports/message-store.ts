import type { EventType, PublishWebhookType } from '../../protocol/event-types.ts';
import type { DisabledReason } from '../../protocol/webhook-body.ts';
import type { Platform } from '../../protocol/ids.ts';
import type { Command } from './command.ts';
import type { CredentialsRecord } from './credentials-store.ts';
import type { WebhookBatch } from './instance-store.ts';

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
  /** UUID v7 of the publish that the event is about; null: it is about none. */
  readonly publishId: string | null;
  /** User of a report's event; null for other events, `erased` when the name is gone since. */
  readonly user: { readonly name: string } | 'erased' | null;
  /** UUID of the device of a report's event; null for other events, or when its tombstone is gone too. */
  readonly device: { readonly platform: Platform; readonly deviceId: string } | null;
  /** Of a click: the id of the button, '' for the body; null for other events. */
  readonly action: string | null;
  /** Of an event that the operator is told of; null for other events. */
  readonly details: DisabledWebhook | ExpiringCredentials | null;
}

/** Of `v1.WebhookDisabled`: a webhook that Pharos has disabled. */
export interface DisabledWebhook {
  readonly webhookId: string;
  readonly reason: DisabledReason;
  /** Nothing succeeded since. */
  readonly failingSince: number;
}

/** Of `v1.CredentialsExpiring`. */
export interface ExpiringCredentials extends Pick<CredentialsRecord, 'platform' | 'fingerprint'> {
  readonly expiresAt: number;
}

/** A leased message: one event for one webhook. Its body is rendered from this when it is sent. */
export interface ClaimedMessage extends MessageKey, EventReference {
  readonly claimToken: string;
  readonly target: string;
  /** Null: it goes to the `webhookUrl` of the publish. */
  readonly webhookId: string | null;
  /** Attempts made before this one. */
  readonly attempts: number;
  /** Of them, those before it was sent again: they count for no schedule. */
  readonly earlierAttempts: number;
  /** UUID v7 of the request that it shares with others, the same on every retry; null: it is sent alone. */
  readonly batchId: string | null;
}

/** One HTTP request of a message, with what came back. */
export interface AttemptRecord {
  readonly startedAt: number;
  readonly durationMs: number;
  /** Null when there was no response. */
  readonly status: number | null;
  /** In words, without credentials; null when there was a response. */
  readonly error: string | null;
  /** IP address that was connected to, or that the last try to connect was made to; null when there was no try. */
  readonly address: string | null;
  /** Names in lower case, at most 4 KiB of them; null when there was no response, or the user was erased since. */
  readonly responseHeaders: Readonly<Record<string, string>> | null;
  /** The first 4 KiB as text; null like the headers. */
  readonly responseBody: string | null;
  /**
   * Tells whether a request that is built again is the one that was sent: 16 bytes as 32 hex digits in lower case, which
   * cross a thread for less. Null when the user was erased since.
   */
  readonly requestHash: string | null;
}

/** `held`: nothing is sent while its webhook is disabled. `exhausted`: no attempt was answered 2xx. */
export type MessageState = 'waiting' | 'held' | 'delivered' | 'exhausted' | 'dropped';

/** Why a message was dropped. */
export type DropReason = 'user-erased' | 'webhook-deleted';

export interface CompleteAttempt extends MessageKey {
  readonly claimToken: string;
  /** Null: nothing was sent (the webhook is gone or disabled, or the user was erased). */
  readonly attempt: AttemptRecord | null;
  readonly next: MessageFate;
  readonly disable?: DisableWebhook | null;
}

/** Disables the webhook, with the commit of an attempt that failed, if it has done nothing but fail for so long. */
export interface DisableWebhook {
  readonly reason: DisabledReason;
  /** Since the first failure after the last success; 0: at once. */
  readonly failingForMs: number;
  /** Attempts that failed since then, at least. */
  readonly failures: number;
}

/** What becomes of a message that was claimed. */
export type MessageFate =
  | { readonly kind: 'delivered' | 'exhausted' | 'held' }
  | { readonly kind: 'dropped'; readonly reason: DropReason }
  /** Counted from now. Dropped instead when the user was erased meanwhile. */
  | { readonly kind: 'retry'; readonly retryInMs: number };

/** One request for many messages of a webhook: one attempt, which all that were in it share. */
export interface CompleteBatch {
  readonly instanceId: string;
  readonly webhookId: string;
  readonly batchId: string;
  readonly claimToken: string;
  /** Null: nothing was sent. */
  readonly sent: {
    readonly messageIds: readonly string[];
    readonly attempt: AttemptRecord;
    readonly next: MessageFate;
    readonly disable: DisableWebhook | null;
  } | null;
  /** Messages that leave the batch; those that wait again join another one. */
  readonly unsent: readonly { readonly messageIds: readonly string[]; readonly next: MessageFate }[];
}

/** Where messages go. */
export interface MessageTarget {
  readonly instanceId: string;
  /** The id of a webhook; or `url:` and what stands for the origin that the `webhookUrl`s of some publishes have. */
  readonly target: string;
}

/** No id of a webhook begins so. */
export const urlTargetPrefix = 'url:';

/** Null: of `webhookUrl`s. */
export const webhookIdOf = (target: string): string | null => (target.startsWith(urlTargetPrefix) ? null : target);

/** How much may be claimed for a target. */
export interface TargetRoom extends MessageTarget {
  /** Requests at most; 0: it is held. */
  readonly room: number;
  /** How many of its messages go into a request; null, or left out: one. */
  readonly batch?: WebhookBatch | null;
  /**
   * When all of the room was used (or there was none) its next turn comes so much later, whatever falls due for it
   * meanwhile. A claim that names it sooner gets what is due all the same.
   */
  readonly restMs: number;
  /** It rests from the claims of all nodes, since it is ill; else only from this one's, whose part of it is used up. */
  readonly restsFromAll?: boolean;
}

export interface ClaimMessages {
  /** Requests at most, all together; large batches count as several (`requestSize`). */
  readonly limit: number;
  readonly leaseMs: number;
  /** Served in this order. */
  readonly targets: readonly TargetRoom[];
}

export interface HoldMessages {
  readonly instanceId: string;
  readonly webhookId: string;
  readonly limit: number;
}

/** What a request with so many messages costs of what may be in hand at once. */
export const requestSize = (messages: number): number => Math.ceil(messages / 32);

export interface MessageCommands {
  /**
   * Due messages of the targets that are named; in each what waited longest comes first. A target of which more is due
   * than the limit left gets its next turn behind all others.
   */
  readonly claimMessages: Command<ClaimMessages, readonly ClaimedMessage[]>;
  /** Makes waiting messages of a disabled webhook `held`, `limit` at most; answers how many. 0 when it is not disabled. */
  readonly holdMessages: Command<HoldMessages, number>;
  /**
   * `stale`: the lease was lost to another claim; nothing was written. `disabled`: recorded, and the webhook is disabled
   * since this attempt. Writes the health of the webhook too; its being disabled is an event for the instance's others.
   */
  readonly completeAttempts: Command<CompleteAttempt, 'recorded' | 'disabled' | 'stale'>;
  /** As `completeAttempts`, for all that are in a batch; those of which the lease was lost stay as they are. */
  readonly completeBatches: Command<CompleteBatch, 'recorded' | 'disabled' | 'stale'>;
}

export interface MessageView extends MessageKey {
  readonly target: string;
  /** Null: it goes to the `webhookUrl` of the publish. */
  readonly webhookId: string | null;
  readonly eventType: EventType | PublishWebhookType;
  readonly eventId: string;
  readonly eventAt: number;
  /** Null: it is about none. */
  readonly publishId: string | null;
  readonly state: MessageState;
  /** Null unless it was dropped. */
  readonly dropReason: DropReason | null;
  readonly attempts: number;
  /** Of them, those before it was sent again. */
  readonly earlierAttempts: number;
  /** UUID v7 of the request that it was sent in with others; null: alone, or not yet. */
  readonly batchId: string | null;
  /** Null when nothing more will be sent, or when it waits for another message. */
  readonly dueAt: number | null;
  /** A process has it, until `dueAt` at the latest. */
  readonly claimed: boolean;
  /** Null when nothing was sent yet. */
  readonly lastAttempt: Pick<AttemptRecord, 'startedAt' | 'status' | 'error'> | null;
}

/** A message with what its body is rendered from. */
export type MessageDetail = MessageView & EventReference;

/** What is left out does not matter. */
export interface MessageFilter {
  readonly webhookId?: string;
  readonly publishId?: string;
  readonly eventType?: EventType | PublishWebhookType;
  readonly eventId?: string;
  /** Name of the user that the event is about. */
  readonly user?: string;
  readonly state?: MessageState;
  /** Of the answer to the last attempt. */
  readonly status?: number;
  /** Written at or after this, and before that. */
  readonly since?: number;
  readonly until?: number;
}

export interface MessagePage {
  readonly messages: readonly MessageView[];
  /** `before` of the next page; null at the end. */
  readonly next: string | null;
}

/** What the attempts of a webhook say about it. */
export interface WebhookHealth {
  /** Exact to a second; null when none succeeded yet. */
  readonly lastSuccessAt: number | null;
  /** The first failure after the last success; null when the last attempt succeeded, or the webhook was changed since. */
  readonly failingSince: number | null;
}

export interface MessageQueries {
  /** Of a webhook that had no attempts, or does not exist, both are null. */
  findWebhookHealth(instanceId: string, webhookId: string): Promise<WebhookHealth>;
  /** Targets with something to send whose turn it is, those that waited longest first. */
  listTurns(limit: number): Promise<readonly MessageTarget[]>;
  /**
   * Newest first. Looks at some ten thousand messages at most, so a page may hold fewer than `limit`, even none, and
   * still have a `next`.
   */
  listMessages(
    query: MessageFilter & { readonly instanceId: string; readonly before?: string; readonly limit: number },
  ): Promise<MessagePage>;
  findMessage(key: MessageKey): Promise<MessageDetail | null>;
  /** Messages of the same target that have been due for longer, counted up to `limit`. */
  countAhead(query: MessageTarget & { readonly dueAt: number; readonly limit: number }): Promise<number>;
  /** Until when a target rests from the claims of all nodes (`restsFromAll`); null: it does not. A single node knows itself. */
  restsUntil(target: MessageTarget): Promise<number | null>;
  /** In order; null for an unknown message. */
  listAttempts(key: MessageKey): Promise<readonly AttemptRecord[] | null>;
  /**
   * The messages that are in a batch with this one, in the order of the request. Looks for them among the five thousand
   * of the target before it and after it. Empty for one that is in none, or is unknown.
   */
  listBatch(key: MessageKey): Promise<readonly Omit<ClaimedMessage, 'claimToken'>[]>;
}
