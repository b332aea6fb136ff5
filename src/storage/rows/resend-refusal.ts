import type { DropReason, MessageState } from '../../core/ports/message-store.ts';
import { webhookIdOf } from '../../core/ports/message-store.ts';
import type { ResendRefusal } from '../../core/ports/replay-store.ts';

type Bit = 0 | 1 | boolean;

export interface ResendRow {
  state: MessageState;
  target: string;
  due_at: number | null;
  claim_token: string | null;
  user_erased: Bit;
  has_publish: Bit;
  has_webhook: Bit;
  webhook_disabled: Bit;
}

/** Why a message is not sent again; null: it is. */
export function resendRefusalOf(message: ResendRow, now: number): ResendRefusal | null {
  if (message.state === 'waiting') {
    if (message.due_at === null) return 'waits-for-started';
    if (message.claim_token !== null && message.due_at > now) return 'in-flight';
  }
  if (message.user_erased) return 'user-erased' satisfies DropReason;
  if (!message.has_publish) return 'publish-deleted';
  if (webhookIdOf(message.target) === null) return null;
  if (!message.has_webhook) return 'webhook-deleted' satisfies DropReason;
  return message.webhook_disabled ? 'webhook-disabled' : null;
}
