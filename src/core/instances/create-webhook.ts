import type { Clock } from '../ports/clock.ts';
import { runOne } from '../ports/command.ts';
import type { IdSource } from '../ports/id-source.ts';
import type { InstanceCommands, WebhookOptions } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { Webhook } from './instance.ts';
import type { InvalidField } from './invalid-field.ts';
import { sealWebhook } from './sealed-records.ts';
import { defaultWebhookOptions } from './webhook-options.ts';
import { checkWebhook } from './webhook-rules.ts';
import { generateSigningKey, generateWebhookSecret } from './webhook-secret.ts';

export interface CreateWebhookDeps {
  readonly store: Pick<InstanceCommands, 'createWebhooks'>;
  readonly sealer: Sealer;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly allowHttpWebhooks: boolean;
  /** What was remembered of the instance's webhooks is out of date. */
  readonly forgetWebhook: (instanceId: string, webhookId: string) => void;
}

/** Without a format it is `beams`, without a secret a random one is made; other things are none, or their defaults. */
export type NewWebhook = Pick<Webhook, 'url' | 'events'> &
  Partial<Pick<Webhook, 'format' | 'secret' | 'customData' | 'headers'>> & {
    readonly options?: Partial<WebhookOptions>;
  };

export async function createWebhook(
  deps: CreateWebhookDeps,
  instanceId: string,
  input: NewWebhook,
): Promise<
  { readonly kind: 'created'; readonly webhook: Webhook } | { readonly kind: 'unknown-instance' } | InvalidField
> {
  const options = { ...defaultWebhookOptions, ...input.options };
  const webhook: Webhook = {
    instanceId,
    id: deps.ids.random(),
    url: input.url,
    format: input.format ?? 'beams',
    events: input.events,
    options,
    secret: input.secret ?? generateWebhookSecret(options.signing),
    previousSecret: null,
    signingKey: options.signing === 'standard' ? await generateSigningKey() : null,
    headers: input.headers ?? {},
    customData: input.customData ?? {},
    createdAt: deps.clock(),
    disabledAt: null,
    disabledReason: null,
  };
  const mistake = checkWebhook(webhook, deps.allowHttpWebhooks);
  if (mistake) return mistake;
  const kind = await runOne(deps.store.createWebhooks, sealWebhook(deps.sealer, webhook));
  if (kind !== 'created') return { kind };
  deps.forgetWebhook(instanceId, webhook.id);
  deps.log.info('webhook.created', {
    instanceId,
    webhookId: webhook.id,
    format: webhook.format,
    events: webhook.events,
  });
  return { kind, webhook };
}
