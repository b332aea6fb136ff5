import { runOne } from '../ports/command.ts';
import type { Log } from '../ports/log.ts';
import type { MessageKey } from '../ports/message-store.ts';
import type { ReplayCommands, ResendRefusal } from '../ports/replay-store.ts';

export interface ResendMessageDeps {
  readonly store: Pick<ReplayCommands, 'resendMessages'>;
  readonly log: Log;
  /** Called after the commit: there is a message to send. */
  readonly onMessages: () => void;
}

/**
 * Makes a message due now, whatever became of it before. It keeps its id, and when this attempt fails its automatic
 * retries follow.
 */
export async function resendMessage(deps: ResendMessageDeps, key: MessageKey): Promise<'due' | ResendRefusal> {
  const result = await runOne(deps.store.resendMessages, key);
  if (result !== 'due') return result;
  const { instanceId, messageId } = key;
  deps.log.info('message.resent', { instanceId, messageId });
  deps.onMessages();
  return result;
}
