import type { PublishCommands } from '../../core/ports/publish-store.ts';
import { acceptPublishes } from './accept.ts';
import { cancelCommands } from './cancel.ts';
import { createClaimRanges } from './claim-ranges.ts';
import type { CommandHandlers } from './commands.ts';
import { batch } from './commands.ts';
import { deliveryCommands } from './deliveries.ts';
import { recordPages } from './record-pages.ts';

export const createPublishCommands = (): CommandHandlers<PublishCommands> => ({
  acceptPublishes: batch(acceptPublishes),
  ...cancelCommands,
  claimRanges: createClaimRanges(),
  recordPages: batch(recordPages),
  ...deliveryCommands,
});
