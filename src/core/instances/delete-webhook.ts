import { runOne } from '../ports/command.ts';
import type { InstanceCommands } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';

export interface DeleteWebhookDeps {
  readonly store: Pick<InstanceCommands, 'deleteWebhooks'>;
  readonly log: Log;
  /** What was remembered of the webhook is out of date. */
  readonly forgetWebhook: (instanceId: string, webhookId: string) => void;
}

/** Deletes a webhook and its waiting messages. */
export async function deleteWebhook(
  deps: DeleteWebhookDeps,
  instanceId: string,
  webhookId: string,
): Promise<'deleted' | 'unknown-webhook'> {
  const kind = await runOne(deps.store.deleteWebhooks, { instanceId, id: webhookId });
  if (kind === 'deleted') {
    deps.forgetWebhook(instanceId, webhookId);
    deps.log.info('webhook.deleted', { instanceId, webhookId });
  }
  return kind;
}
