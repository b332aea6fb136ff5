import type { DisableWebhook } from '../../core/ports/message-store.ts';

/** What an attempt says about its webhook. */
export interface AttemptOfWebhook {
  readonly instanceId: string;
  readonly webhookId: string;
  readonly succeeded: boolean;
  readonly disable: DisableWebhook | null;
}

/** A success is written down once in so long: most webhooks have many a second. */
export const successEveryMs = 1_000;
