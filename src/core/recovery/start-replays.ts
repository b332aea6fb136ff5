import { runOne } from '../ports/command.ts';
import type { IdSource } from '../ports/id-source.ts';
import type { InstanceQueries } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';
import type { ReplayCommands, ReplayKey, ReplayRecord } from '../ports/replay-store.ts';

export interface StartReplaysDeps {
  readonly store: Pick<ReplayCommands, 'createReplays'> & Pick<InstanceQueries, 'listWebhooks'>;
  readonly ids: IdSource;
  readonly log: Log;
  /** Called after the commit: there is a replay to work on. */
  readonly onReplays: () => void;
}

/** Which messages. `webhookId`: of one webhook; null: to the webhookUrls of publishes; left out: to everybody. */
export type ReplayRequest = Omit<ReplayRecord, 'replayId' | 'webhookId'> & { readonly webhookId?: string | null };

/** One replay for each target, so that one which is down holds up no other. Gone on with after a restart. */
export async function startReplays(
  deps: StartReplaysDeps,
  { webhookId, ...request }: ReplayRequest,
): Promise<readonly ReplayKey[] | 'unknown-webhook'> {
  const { instanceId } = request;
  const targets =
    webhookId === undefined ? [...(await deps.store.listWebhooks(instanceId)).map(({ id }) => id), null] : [webhookId];
  const replays = targets.map((target): ReplayRecord => {
    return { ...request, webhookId: target, replayId: deps.ids.timeOrdered() };
  });
  const started: ReplayKey[] = [];
  for (const replay of replays) {
    const { replayId, states, eventType, since, maxPerSecond } = replay;
    // A webhook of the list that has been deleted since needs none.
    if ((await runOne(deps.store.createReplays, replay)) === 'unknown-webhook') continue;
    started.push({ instanceId, replayId });
    const asked = { webhookId: replay.webhookId, states, eventType, since, maxPerSecond };
    deps.log.info('replay.started', { instanceId, replayId, ...asked });
  }
  if (started.length === 0) return 'unknown-webhook';
  deps.onReplays();
  return started;
}
