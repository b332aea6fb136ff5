import type { StoreCommands } from '../../core/ports/store.ts';
import type { CommandHandlers } from './commands.ts';

export type WriteHandlers = CommandHandlers<StoreCommands>;

export const createCommandHandlers = (): Partial<WriteHandlers> => ({});
