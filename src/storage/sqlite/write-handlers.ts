import type { DatabaseSync } from 'node:sqlite';
import type { Sealer } from '../../core/ports/sealer.ts';
import type { WriteHandlers } from './command-engine.ts';
import { prepareReleaseAbandonedClaims } from './abandoned-claims.ts';
import { prepareCredentialsCommands } from './credentials.ts';
import { prepareDeliveryCommands } from './deliveries.ts';
import { prepareDevicePageCommands } from './device-page.ts';
import { prepareDeviceCommands } from './devices.ts';
import { prepareInstanceCommands } from './instances.ts';
import { prepareMessageCommands } from './messages.ts';
import { prepareOutbox } from './outbox.ts';
import { preparePublishCommands } from './publishes.ts';
import { preparePushOriginCommands } from './push-origins.ts';
import { prepareReplayCommands } from './replays.ts';
import { prepareReportCounters } from './report-counters.ts';
import { prepareReportCommands } from './reports.ts';
import { prepareRetentionCommands } from './retention.ts';
import { prepareSealedCommands } from './sealed-values.ts';
import { prepare } from './statement.ts';
import type { WriterMemory } from './writer-memory.ts';

export function prepareWriteHandlers(
  db: DatabaseSync,
  memory: WriterMemory,
  sealer: Pick<Sealer, 'seal'>,
): WriteHandlers {
  const { leases, undoLog } = memory;
  const outbox = prepareOutbox(db);
  const counters = prepareReportCounters(db, undoLog);
  const writeCheck = prepare(
    db,
    `INSERT INTO write_check (number, checks) VALUES (1, 1)
     ON CONFLICT (number) DO UPDATE SET checks = checks + 1`,
  );
  return {
    ...prepareInstanceCommands(db),
    ...prepareCredentialsCommands(db, outbox),
    ...prepareDeviceCommands(db, leases),
    ...prepareDevicePageCommands(db),
    ...preparePublishCommands(db, sealer, outbox),
    ...prepareDeliveryCommands(db, outbox),
    ...preparePushOriginCommands(db),
    ...prepareReplayCommands(db, leases),
    ...prepareReportCommands(db, outbox, counters),
    ...prepareMessageCommands(db, memory, outbox),
    ...prepareRetentionCommands(db, counters),
    ...prepareSealedCommands(db),
    endTransaction: () => counters.write(),
    listLiveLeases: () => leases.listLive(),
    releaseAbandonedClaims: prepareReleaseAbandonedClaims(db),
    checkWriting: () => {
      writeCheck.run();
      return null;
    },
  };
}
