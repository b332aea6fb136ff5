import type { InstanceDirectory } from '../instances/instance.ts';
import type { UpdateWebhookDeps } from '../instances/update-webhook.ts';
import { updateWebhook } from '../instances/update-webhook.ts';
import type { MessageQueries } from '../ports/message-store.ts';
import type { ReplayKey } from '../ports/replay-store.ts';
import type { StartReplaysDeps } from './start-replays.ts';
import { startReplays } from './start-replays.ts';

export interface CatchUpDeps extends StartReplaysDeps, Omit<UpdateWebhookDeps, 'store'> {
  readonly store: StartReplaysDeps['store'] & UpdateWebhookDeps['store'] & Pick<MessageQueries, 'findWebhookHealth'>;
  readonly instances: Pick<InstanceDirectory, 'findWebhook'>;
}

export interface CatchUpRequest {
  readonly instanceId: string;
  readonly webhookId: string;
  /** A webhook that is disabled is enabled first. */
  readonly enable: boolean;
  /** Null: since its last success when it is down, else all that is kept. */
  readonly since: number | null;
  /** Null: as fast as it takes them. */
  readonly maxPerSecond: number | null;
}

/**
 * Sends a webhook what it has missed: all that was held while it was disabled, and what was given up since a time. Two
 * replays, since what was held may be older than that.
 */
export async function catchUp(
  deps: CatchUpDeps,
  { instanceId, webhookId, enable, since, maxPerSecond }: CatchUpRequest,
): Promise<readonly ReplayKey[] | 'unknown-webhook' | 'webhook-disabled'> {
  const webhook = await deps.instances.findWebhook(instanceId, webhookId);
  if (!webhook) return 'unknown-webhook';
  if (webhook.disabledAt !== null && !enable) return 'webhook-disabled';
  const { lastSuccessAt, failingSince } = await deps.store.findWebhookHealth(instanceId, webhookId);
  const isDown = webhook.disabledAt !== null || failingSince !== null;
  if (webhook.disabledAt !== null) {
    const { kind } = await updateWebhook(deps, instanceId, webhookId, { disabled: false });
    if (kind !== 'updated') return 'unknown-webhook';
  }
  const missed = { instanceId, webhookId, eventType: null, maxPerSecond } as const;
  const held = await startReplays(deps, { ...missed, states: ['held'], since: null });
  const givenUpSince = since ?? (isDown ? lastSuccessAt : null);
  const exhausted = await startReplays(deps, { ...missed, states: ['exhausted'], since: givenUpSince });
  return held === 'unknown-webhook' || exhausted === 'unknown-webhook' ? 'unknown-webhook' : [...held, ...exhausted];
}
