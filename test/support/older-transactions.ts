import { withClient } from './postgres-client.ts';
import { waitFor } from './wait-for.ts';

/**
 * Resolves when every transaction of the server that had begun before has ended, in other tests' databases too: the feed
 * waits only two seconds for them, and on a busy machine a migration takes longer.
 */
export const olderTransactionsEnd = (url: string): Promise<true> =>
  withClient(url, async (client) => {
    const now = await client.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id');
    const haveEnded = 'SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8 AS yes';
    return waitFor('older transactions to end', async () => {
      const { rows } = await client.query<{ yes: boolean }>(haveEnded, [now.rows[0]?.id]);
      return rows[0]?.yes === true;
    });
  });
