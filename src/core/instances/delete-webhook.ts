import { runOne, StoreUnavailable } from '../ports/command.ts';
import type { InstanceCommands, WebhookKey } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';

export interface DeleteWebhookDeps {
  readonly store: Pick<InstanceCommands, 'deleteWebhooks' | 'dropMessages'>;
  readonly log: Log;
  /** What was remembered of the webhook is out of date. */
  readonly forgetWebhook: (instanceId: string, webhookId: string) => void;
}

/** Of millions that wait for a dead receiver: what others write in between hardly waits. */
const lookedAtATime = 1_000;

/** Deletes a webhook and drops its messages. What is left when the store cannot, or the process ends, the retention drops. */
export async function deleteWebhook(
  deps: DeleteWebhookDeps,
  instanceId: string,
  webhookId: string,
): Promise<'deleted' | 'unknown-webhook'> {
  const webhook = { instanceId, id: webhookId };
  const kind = await runOne(deps.store.deleteWebhooks, webhook);
  if (kind !== 'deleted') return kind;
  deps.forgetWebhook(instanceId, webhookId);
  deps.log.info('webhook.deleted', { instanceId, webhookId });
  try {
    await dropMessagesOf(deps.store, webhook);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
  }
  return kind;
}

/** All messages of a webhook that was deleted, step by step; it may be stopped, and begun anew at any time. */
export async function dropMessagesOf(
  store: Pick<InstanceCommands, 'dropMessages'>,
  webhook: WebhookKey,
  isStopped: () => boolean = () => false,
): Promise<void> {
  let after: string | null = null;
  let more = true;
  while (more && !isStopped()) {
    ({ more, after } = await runOne(store.dropMessages, { ...webhook, limit: lookedAtATime, after }));
  }
}
