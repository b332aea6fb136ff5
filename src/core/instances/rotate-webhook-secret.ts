import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ChangeWebhookDeps } from './change-webhook.ts';
import { changeWebhook } from './change-webhook.ts';
import { checkOverlap } from './instance-rules.ts';
import type { Webhook } from './instance.ts';
import { firstInvalid, invalid } from './invalid-field.ts';
import type { InvalidField } from './invalid-field.ts';
import { checkWebhookSecret, generateWebhookSecret } from './webhook-secret.ts';

export interface RotateWebhookSecretDeps extends ChangeWebhookDeps {
  readonly clock: Clock;
  readonly log: Log;
}

export interface WebhookSecretRotation {
  /** Random when it is left out. */
  readonly secret?: string;
  /** How long the present secret goes on signing; 0: it ends at once. By default a day. */
  readonly overlapSeconds?: number;
}

const defaultOverlapSeconds = 86_400;

type Changed = { readonly kind: 'updated'; readonly webhook: Webhook } | { readonly kind: 'unknown-webhook' };
type Refused = { readonly kind: 'overlap'; readonly endsAt: number } | InvalidField;

/**
 * Gives a webhook a new secret. Until the overlap ends the one before signs too, or, where a request has room for one
 * signature only, alone. `overlap`: one is running already, and there are never three secrets.
 */
export async function rotateWebhookSecret(
  deps: RotateWebhookSecretDeps,
  instanceId: string,
  webhookId: string,
  { secret: given, overlapSeconds = defaultOverlapSeconds }: WebhookSecretRotation,
): Promise<Changed | Refused> {
  const result = await changeWebhook<Refused>(deps, instanceId, webhookId, async (webhook) => {
    const { signing } = webhook.options;
    const secret = given ?? generateWebhookSecret(signing);
    const mistake = firstInvalid([checkWebhookSecret(signing, secret), checkOverlap(overlapSeconds)]);
    if (mistake) return mistake;
    if (secret === webhook.secret) return invalid('secret', 'another one than the present secret');
    const now = deps.clock();
    const { previousSecret: previous } = webhook;
    if (previous && now < previous.endsAt) return { kind: 'overlap', endsAt: previous.endsAt };
    const endsAt = now + overlapSeconds * 1_000;
    return { ...webhook, secret, previousSecret: overlapSeconds === 0 ? null : { secret: webhook.secret, endsAt } };
  });
  logChange(deps, 'webhook.secret-rotated', result);
  return result;
}

/** Ends an overlap early: the previous secret signs no more. Changes nothing when none is running. */
export async function retireWebhookSecret(
  deps: RotateWebhookSecretDeps,
  instanceId: string,
  webhookId: string,
): Promise<Changed> {
  const result = await changeWebhook<never>(deps, instanceId, webhookId, async (webhook) => ({
    ...webhook,
    previousSecret: null,
  }));
  logChange(deps, 'webhook.secret-retired', result);
  return result;
}

function logChange({ log }: RotateWebhookSecretDeps, event: string, result: Changed | Refused): void {
  if (result.kind !== 'updated') return;
  const { instanceId, id: webhookId, previousSecret } = result.webhook;
  log.info(event, { instanceId, webhookId, previousEndsAt: previousSecret?.endsAt ?? null });
}
