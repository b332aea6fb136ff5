import type { StoreCommands } from '../../core/ports/store.ts';
import type { CommandHandlers } from './commands.ts';
import { messageCommands } from './messages.ts';
import { replayCommands } from './replays.ts';
import { retentionCommands } from './retention.ts';

export type WriteHandlers = CommandHandlers<StoreCommands>;

export const createCommandHandlers = (): Partial<WriteHandlers> => ({
  ...messageCommands,
  ...replayCommands,
  ...retentionCommands,
});
