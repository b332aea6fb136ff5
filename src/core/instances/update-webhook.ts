import type { Clock } from '../ports/clock.ts';
import type { WebhookOptions } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';
import type { ChangeWebhookDeps } from './change-webhook.ts';
import { changeWebhook } from './change-webhook.ts';
import type { Webhook } from './instance.ts';
import type { InvalidField } from './invalid-field.ts';
import { checkWebhook } from './webhook-rules.ts';
import { generateSigningKey, generateWebhookSecret, webhookSecretBytes } from './webhook-secret.ts';

export interface UpdateWebhookDeps extends ChangeWebhookDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly allowHttpWebhooks: boolean;
}

/** What is left out stays as it is, also of the options. */
export type WebhookChanges = Partial<Pick<Webhook, 'url' | 'events' | 'secret' | 'customData' | 'headers'>> & {
  readonly options?: Partial<WebhookOptions>;
  readonly disabled?: boolean;
};

/**
 * A secret that is given counts at once and alone. Signing that becomes `standard` makes a key pair, and a secret unless
 * the present one is of its form.
 */
export async function updateWebhook(
  deps: UpdateWebhookDeps,
  instanceId: string,
  webhookId: string,
  changes: WebhookChanges,
): Promise<
  { readonly kind: 'updated'; readonly webhook: Webhook } | { readonly kind: 'unknown-webhook' } | InvalidField
> {
  const result = await changeWebhook<InvalidField>(deps, instanceId, webhookId, async (present) => {
    const webhook = await applyChanges(deps, present, changes);
    return checkWebhook(webhook, deps.allowHttpWebhooks) ?? webhook;
  });
  if (result.kind === 'updated') {
    deps.log.info('webhook.updated', { instanceId, webhookId, fields: Object.keys(changes) });
  }
  return result;
}

async function applyChanges(
  deps: Pick<UpdateWebhookDeps, 'clock'>,
  present: Webhook,
  { disabled = present.disabledAt !== null, options: changedOptions, ...fields }: WebhookChanges,
): Promise<Webhook> {
  const options = { ...present.options, ...changedOptions };
  const becomesStandard = options.signing === 'standard' && present.options.signing !== 'standard';
  const secret =
    fields.secret ??
    (becomesStandard && !webhookSecretBytes(present.secret) ? generateWebhookSecret('standard') : present.secret);
  return {
    ...present,
    ...fields,
    options,
    secret,
    previousSecret:
      secret === present.secret && options.signing === present.options.signing ? present.previousSecret : null,
    signingKey: present.signingKey ?? (becomesStandard ? await generateSigningKey() : null),
    disabledAt: disabled ? (present.disabledAt ?? deps.clock()) : null,
    disabledReason: disabled ? present.disabledReason : null,
  };
}
