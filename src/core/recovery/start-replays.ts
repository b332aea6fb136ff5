import type { IdSource } from '../ports/id-source.ts';
import type { InstanceQueries } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';
import type { ReplayCommands, ReplayKey, ReplayQueries, ReplayRecord } from '../ports/replay-store.ts';

export interface StartReplaysDeps {
  readonly store: Pick<ReplayCommands, 'createReplays'> &
    Pick<ReplayQueries, 'listUrlTargets'> &
    Pick<InstanceQueries, 'listWebhooks'>;
  readonly ids: IdSource;
  readonly log: Log;
  /** Called after the commit: there is a replay to work on. */
  readonly onReplays: () => void;
}

/** Which messages. `webhookId`: of one webhook; null: to the webhookUrls of publishes; left out: to everybody. */
export type ReplayRequest = Omit<ReplayRecord, 'replayId' | 'target'> & { readonly webhookId?: string | null };

/** So many are made in one commit. */
const replaysAtATime = 500;

/** One replay for each target, so that one which is down holds up no other. Gone on with after a restart. */
export async function startReplays(
  deps: StartReplaysDeps,
  { webhookId, ...request }: ReplayRequest,
): Promise<readonly ReplayKey[] | 'unknown-webhook'> {
  const { instanceId } = request;
  const started: ReplayKey[] = [];
  const start = async (targets: readonly string[]) => {
    if (targets.length === 0) return;
    const replays = targets.map((target): ReplayRecord => ({
      ...{ ...request, target, replayId: deps.ids.timeOrdered() },
    }));
    const results = await deps.store.createReplays(replays);
    for (const [index, replay] of replays.entries()) {
      const result = results[index];
      if (!result?.ok) throw result?.error ?? new Error('a replay was not answered for');
      // A webhook of the list that has been deleted since needs none.
      if (result.value === 'unknown-webhook') continue;
      started.push({ instanceId, replayId: replay.replayId });
      deps.log.info('replay.started', { ...replay });
    }
  };
  if (typeof webhookId === 'string') await start([webhookId]);
  else {
    if (webhookId === undefined) await start((await deps.store.listWebhooks(instanceId)).map(({ id }) => id));
    for (let after: string | undefined = ''; after !== undefined;) {
      const targets = await deps.store.listUrlTargets({ ...request, after, limit: replaysAtATime });
      await start(targets);
      after = targets.at(-1);
    }
  }
  if (typeof webhookId === 'string' && started.length === 0) return 'unknown-webhook';
  if (started.length > 0) deps.onReplays();
  return started;
}
