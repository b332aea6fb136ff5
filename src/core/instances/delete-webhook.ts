import { runOne, StoreUnavailable } from '../ports/command.ts';
import type { InstanceCommands } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';

export interface DeleteWebhookDeps {
  readonly store: Pick<InstanceCommands, 'deleteWebhooks' | 'dropMessages'>;
  readonly log: Log;
  /** What was remembered of the webhook is out of date. */
  readonly forgetWebhook: (instanceId: string, webhookId: string) => void;
}

/** Of millions that wait for a dead receiver: what others write in between hardly waits. */
const droppedAtATime = 1_000;

/** Deletes a webhook and its waiting messages. What the store cannot drop any more is dropped when it is due. */
export async function deleteWebhook(
  deps: DeleteWebhookDeps,
  instanceId: string,
  webhookId: string,
): Promise<'deleted' | 'unknown-webhook'> {
  const webhook = { instanceId, id: webhookId, limit: droppedAtATime };
  const kind = await runOne(deps.store.deleteWebhooks, webhook);
  if (kind !== 'deleted') return kind;
  deps.forgetWebhook(instanceId, webhookId);
  deps.log.info('webhook.deleted', { instanceId, webhookId });
  try {
    while ((await runOne(deps.store.dropMessages, webhook)) === droppedAtATime);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
  }
  return kind;
}
