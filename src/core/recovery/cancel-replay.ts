import { runOne } from '../ports/command.ts';
import type { Log } from '../ports/log.ts';
import type { ReplayCommands, ReplayKey } from '../ports/replay-store.ts';

export interface CancelReplayDeps {
  readonly store: Pick<ReplayCommands, 'cancelReplays'>;
  readonly log: Log;
}

/** Makes no more messages due; those that are stay so. */
export async function cancelReplay(
  { store, log }: CancelReplayDeps,
  key: ReplayKey,
): Promise<'canceled' | 'ended' | 'unknown-replay'> {
  const result = await runOne(store.cancelReplays, key);
  if (result === 'canceled') log.info('replay.canceled', { ...key });
  return result;
}
