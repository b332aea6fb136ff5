import type { ItemResult } from '../../core/ports/command.ts';
import type { MessageCommands } from '../../core/ports/message-store.ts';
import { packCompletion } from './packed-completions.ts';
import type { PackedMessages } from './packed-messages.ts';
import { unpackMessages } from './packed-messages.ts';
import type { Send } from './storage-thread.ts';

type PackedCommands = Pick<MessageCommands, 'claimMessages' | 'completeAttempts'>;

/** Commands whose items or answers are so many that they travel without the names of objects. */
export const packedCommands = (write: Send): PackedCommands => ({
  claimMessages: async (items) => {
    const answered = await write('claimMessages', items, items.length);
    return (answered as readonly ItemResult<readonly PackedMessages[]>[]).map((result) =>
      result.ok ? { ok: true, value: unpackMessages(result.value) } : result,
    );
  },
  completeAttempts: (items) =>
    write('completeAttempts', items.map(packCompletion), items.length) as ReturnType<
      PackedCommands['completeAttempts']
    >,
});
