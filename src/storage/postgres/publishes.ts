import type { PublishCommands } from '../../core/ports/publish-store.ts';
import type { Sealer } from '../../core/ports/sealer.ts';
import { acceptPublishes } from './accept.ts';
import { cancelCommands } from './cancel.ts';
import { createClaimRanges } from './claim-ranges.ts';
import { deliveryCommands } from './deliveries.ts';
import type { CommandHandlers } from './handlers.ts';
import { batch } from './handlers.ts';
import { recordPages } from './record-pages.ts';

export const createPublishCommands = (sealer: Pick<Sealer, 'seal'>): CommandHandlers<PublishCommands> => ({
  acceptPublishes: batch((sql, items) => acceptPublishes(sql, items, sealer)),
  ...cancelCommands,
  claimRanges: createClaimRanges(),
  recordPages: batch(recordPages),
  ...deliveryCommands,
});
