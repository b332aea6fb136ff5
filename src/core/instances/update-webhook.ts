import type { Clock } from '../ports/clock.ts';
import { runOne } from '../ports/command.ts';
import type { InstanceCommands, InstanceQueries } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { Webhook } from './instance.ts';
import type { InvalidField } from './invalid-field.ts';
import { openWebhook, sealWebhook } from './sealed-records.ts';
import { checkWebhook } from './webhook-rules.ts';

export interface UpdateWebhookDeps {
  readonly store: Pick<InstanceCommands, 'updateWebhooks'> & Pick<InstanceQueries, 'findWebhook'>;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Log;
  readonly allowHttpWebhooks: boolean;
  /** What was remembered of the webhook is out of date. */
  readonly forgetWebhook: (instanceId: string, webhookId: string) => void;
}

/** What is left out stays as it is. */
export type WebhookChanges = Partial<Pick<Webhook, 'url' | 'events' | 'secret' | 'customData'>> & {
  readonly disabled?: boolean;
};

export async function updateWebhook(
  deps: UpdateWebhookDeps,
  instanceId: string,
  webhookId: string,
  changes: WebhookChanges,
): Promise<
  { readonly kind: 'updated'; readonly webhook: Webhook } | { readonly kind: 'unknown-webhook' } | InvalidField
> {
  const record = await deps.store.findWebhook(instanceId, webhookId);
  if (!record) return { kind: 'unknown-webhook' };
  const { disabled, ...fields } = changes;
  const disabledAt = disabled === undefined ? record.disabledAt : disabled ? (record.disabledAt ?? deps.clock()) : null;
  const webhook: Webhook = { ...openWebhook(deps.sealer, record), ...fields, disabledAt };
  const mistake = checkWebhook(webhook, deps.allowHttpWebhooks);
  if (mistake) return mistake;
  const kind = await runOne(deps.store.updateWebhooks, sealWebhook(deps.sealer, webhook));
  if (kind !== 'updated') return { kind };
  deps.forgetWebhook(instanceId, webhookId);
  deps.log.info('webhook.updated', { instanceId, webhookId, fields: Object.keys(changes) });
  return { kind, webhook };
}
