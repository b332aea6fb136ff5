import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { InstanceDirectory } from '../../core/instances/instance.ts';
import type { ReplayKey, ReplayQueries, ReplayedState, ResendRefusal } from '../../core/ports/replay-store.ts';
import type { CatchUpDeps } from '../../core/recovery/catch-up.ts';
import { catchUp } from '../../core/recovery/catch-up.ts';
import type { CancelReplayDeps } from '../../core/recovery/cancel-replay.ts';
import { cancelReplay } from '../../core/recovery/cancel-replay.ts';
import type { ResendMessageDeps } from '../../core/recovery/resend-message.ts';
import { resendMessage } from '../../core/recovery/resend-message.ts';
import type { StartReplaysDeps } from '../../core/recovery/start-replays.ts';
import { startReplays } from '../../core/recovery/start-replays.ts';
import { eventTypes, publishWebhookTypes } from '../../protocol/event-types.ts';
import { AdminFailure, unknownInstance, unknownMessage, unknownReplay, unknownWebhook } from './admin-failure.ts';
import { parseInput } from './parse-input.ts';
import { renderReplay } from './render-replay.ts';
import { time, uuid } from './query-fields.ts';

export interface RecoveryRoutesDeps extends ResendMessageDeps, StartReplaysDeps, CancelReplayDeps, CatchUpDeps {
  readonly store: ResendMessageDeps['store'] &
    StartReplaysDeps['store'] &
    CancelReplayDeps['store'] &
    CatchUpDeps['store'] &
    ReplayQueries;
  readonly instances: InstanceDirectory;
}

const maxReplaysShown = 100;
const replayedStates = ['delivered', 'exhausted', 'held'] as const satisfies readonly ReplayedState[];
const positive = 'must be a number above 0 and up to 100000';

const maxPerSecond = z.number().refine((value) => value > 0 && value <= 100_000, positive);

const newReplay = z.strictObject({
  /** Null: to the webhookUrls of publishes; left out: to everybody. */
  webhookId: uuid.nullable().exactOptional(),
  states: z.array(z.enum(replayedStates)).min(1, 'must name a state').default(['exhausted']),
  eventType: z.enum([...eventTypes, ...publishWebhookTypes]).exactOptional(),
  since: time.exactOptional(),
  maxPerSecond: maxPerSecond.exactOptional(),
});
const newCatchUp = z.strictObject({
  enable: z.boolean().default(false),
  since: time.exactOptional(),
  maxPerSecond: maxPerSecond.exactOptional(),
});

const refusals: Readonly<Record<Exclude<ResendRefusal, 'unknown-message'>, string>> = {
  'in-flight': 'An attempt is under way.',
  'waits-for-started': 'It waits for the STARTED of its publish.',
  'user-erased': 'The user was erased.',
  'webhook-deleted': 'Its webhook was deleted.',
  'webhook-disabled': 'Its webhook is disabled.',
  'publish-deleted': 'Its publish is older than what is kept.',
};

type OneMessage = { Params: { instanceId: string; messageId: string } };
type OneWebhook = { Params: { instanceId: string; webhookId: string } };
type OfInstance = { Params: { instanceId: string } };
type OneReplay = { Params: { instanceId: string; replayId: string } };

/** What was not delivered, or got lost behind the receiver: sent again. */
export function recoveryRoutes(app: FastifyInstance, deps: RecoveryRoutesDeps): void {
  const show = async (keys: readonly ReplayKey[]) => {
    const replays = await Promise.all(keys.map((key) => deps.store.findReplay(key)));
    return replays.flatMap((replay) => (replay ? [renderReplay(replay)] : []));
  };

  app.post<OneMessage>('/instances/:instanceId/messages/:messageId/resend', async ({ params }, reply) => {
    const { instanceId, messageId } = params;
    const result = await resendMessage(deps, { instanceId, messageId });
    if (result === 'unknown-message') throw unknownMessage(messageId);
    if (result !== 'due') throw new AdminFailure('not-to-be-resent', refusals[result]);
    return reply.code(202).send({ id: messageId });
  });

  app.post<OfInstance>('/instances/:instanceId/replays', async ({ params: { instanceId }, body }, reply) => {
    const { eventType = null, since = null, maxPerSecond = null, ...asked } = parseInput(newReplay, body ?? {});
    if (!(await deps.instances.findInstance(instanceId))) throw unknownInstance(instanceId);
    const started = await startReplays(deps, { instanceId, eventType, since, maxPerSecond, ...asked });
    if (started === 'unknown-webhook') throw unknownWebhook(String(asked.webhookId));
    return reply.code(202).send({ replays: await show(started.slice(0, maxReplaysShown)), started: started.length });
  });

  app.post<OneWebhook>('/instances/:instanceId/webhooks/:webhookId/catch-up', async ({ params, body }, reply) => {
    const { enable, since = null, maxPerSecond = null } = parseInput(newCatchUp, body ?? {});
    const started = await catchUp(deps, { ...params, enable, since, maxPerSecond });
    if (started === 'unknown-webhook') throw unknownWebhook(params.webhookId);
    if (started === 'webhook-disabled') {
      throw new AdminFailure(
        'webhook-disabled',
        'The webhook is disabled: enable it, or ask for that here with `enable`.',
      );
    }
    return reply.code(202).send({ replays: await show(started) });
  });

  app.get<OfInstance>('/instances/:instanceId/replays', async ({ params: { instanceId } }) => {
    if (!(await deps.instances.findInstance(instanceId))) throw unknownInstance(instanceId);
    const replays = await deps.store.listReplays({ instanceId, limit: maxReplaysShown });
    return { replays: replays.map(renderReplay) };
  });

  app.get<OneReplay>('/instances/:instanceId/replays/:replayId', async ({ params }) => {
    const replay = await deps.store.findReplay(params);
    if (!replay) throw unknownReplay(params.replayId);
    return renderReplay(replay);
  });

  app.delete<OneReplay>('/instances/:instanceId/replays/:replayId', async ({ params }, reply) => {
    const result = await cancelReplay(deps, params);
    if (result === 'unknown-replay') throw unknownReplay(params.replayId);
    if (result === 'ended') throw new AdminFailure('replay-ended', 'The replay has ended already.');
    return reply.code(204).send();
  });
}
