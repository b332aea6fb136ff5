import type { CompleteAttempt, DisableWebhook, DropReason, MessageFate } from '../../core/ports/message-store.ts';
import type { AttemptValues } from '../rows/attempt-row.ts';
import { fromAttempt } from '../rows/attempt-row.ts';

/** What became of an attempt, on its way to the writer: without the names of an object for each. */
export type PackedCompletion = readonly [
  instanceId: string,
  messageId: string,
  claimToken: string,
  next: MessageFate['kind'],
  dropReason: DropReason | null,
  retryInMs: number | null,
  disable: DisableWebhook | null,
  attempt: AttemptValues | null,
];

export const packCompletion = ({
  instanceId,
  messageId,
  claimToken,
  next,
  disable = null,
  attempt,
}: CompleteAttempt): PackedCompletion => [
  instanceId,
  messageId,
  claimToken,
  next.kind,
  next.kind === 'dropped' ? next.reason : null,
  next.kind === 'retry' ? next.retryInMs : null,
  disable,
  attempt && fromAttempt(attempt, false),
];
