import type { Sealer } from '../../core/ports/sealer.ts';
import type { StoreCommands } from '../../core/ports/store.ts';
import { credentialsCommands } from './credentials.ts';
import { devicePageCommands } from './device-page.ts';
import { deviceUserCommands } from './device-users.ts';
import { deviceCommands } from './devices.ts';
import type { CommandHandlers } from './handlers.ts';
import { instanceCommands } from './instances.ts';
import { createMessageCommands } from './messages.ts';
import { createPublishCommands } from './publishes.ts';
import { pushOriginCommands } from './push-origins.ts';
import { registrationCommands } from './registrations.ts';
import { replayCommands } from './replays.ts';
import { reportCommands } from './reports.ts';
import { retentionCommands } from './retention.ts';
import { sealedCommands } from './sealed-values.ts';

export type WriteHandlers = CommandHandlers<StoreCommands>;

/** `storeId`: a UUID of the store that runs them, among those that share the database. */
export const createCommandHandlers = (storeId: string, sealer: Pick<Sealer, 'seal'>): WriteHandlers => ({
  ...credentialsCommands,
  ...deviceCommands,
  ...devicePageCommands,
  ...deviceUserCommands,
  ...instanceCommands,
  ...createMessageCommands(storeId),
  ...createPublishCommands(sealer),
  ...pushOriginCommands,
  ...registrationCommands,
  ...replayCommands,
  ...reportCommands,
  ...retentionCommands,
  ...sealedCommands,
});
