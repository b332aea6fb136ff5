import { formatPublishId } from '../../src/protocol/ids.ts';
import type { ViewedProcess } from './database-view.ts';
import { viewDatabase } from './database-view.ts';

/**
 * Deliveries, by publish, that had a row of their own when the process died, and whose answers it was waiting for: their
 * range had gone on without them.
 */
export async function readHeldDeliveries(process: ViewedProcess): Promise<ReadonlyMap<string, number>> {
  const view = await viewDatabase(process);
  try {
    const rows = await view.all(
      'SELECT publish_id, count(*) AS held FROM deferred_deliveries WHERE claim_token IS NOT NULL GROUP BY publish_id',
    );
    return new Map(rows.map((row) => [formatPublishId(String(row['publish_id'])), Number(row['held'])]));
  } finally {
    await view.close();
  }
}
