import { runOne } from '../ports/command.ts';
import type { InstanceCommands, InstanceQueries } from '../ports/instance-store.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { Webhook } from './instance.ts';
import { openWebhook, sealWebhook } from './sealed-records.ts';

export interface ChangeWebhookDeps {
  readonly store: Pick<InstanceCommands, 'updateWebhooks'> & Pick<InstanceQueries, 'findWebhook'>;
  readonly sealer: Sealer;
  /** What was remembered of the webhook is out of date. */
  readonly forgetWebhook: (instanceId: string, webhookId: string) => void;
}

/** Decides on the webhook as it is, and again when somebody else has changed it meanwhile. */
export async function changeWebhook<Refusal extends { readonly kind: string }>(
  deps: ChangeWebhookDeps,
  instanceId: string,
  webhookId: string,
  decide: (webhook: Webhook) => Promise<Webhook | Refusal>,
): Promise<{ readonly kind: 'updated'; readonly webhook: Webhook } | { readonly kind: 'unknown-webhook' } | Refusal> {
  for (;;) {
    const record = await deps.store.findWebhook(instanceId, webhookId);
    if (!record) return { kind: 'unknown-webhook' };
    const webhook = await decide(openWebhook(deps.sealer, record));
    if ('kind' in webhook) return webhook;
    const sealed = sealWebhook(deps.sealer, webhook);
    const kind = await runOne(deps.store.updateWebhooks, { ...sealed, expected: record.secret });
    if (kind === 'changed') continue;
    if (kind === 'unknown-webhook') return { kind };
    deps.forgetWebhook(instanceId, webhookId);
    return { kind, webhook };
  }
}
