import { uuidV7Day } from '../../protocol/ids.ts';
import type { AttemptRow } from '../rows/attempt-row.ts';
import type { Sql } from './database.ts';

interface AttemptedMessage {
  readonly id: string;
  readonly batch_id: string | null;
}

export type LastAttempt = Pick<AttemptRow, 'started_at' | 'status' | 'error'>;

const list = `
  SELECT m.message_id, a.* FROM unnest($2::bigint[], $3::uuid[]) AS m (day, message_id) CROSS JOIN LATERAL (
    SELECT started_at, status, error FROM attempts
    WHERE instance_id = $1 AND day = m.day AND message_id = m.message_id ORDER BY number DESC LIMIT 1
  ) a`;

/** The last attempt of each message of an instance that had one, by the message's id. */
export async function readLastAttempts(
  sql: Sql,
  instanceId: string,
  messages: readonly AttemptedMessage[],
): Promise<Map<string, LastAttempt>> {
  if (messages.length === 0) return new Map();
  const filedUnder = ({ id, batch_id: batchId }: AttemptedMessage) => batchId ?? id;
  const keys = [...new Set(messages.map(filedUnder))];
  const rows = await sql.all<LastAttempt & { message_id: string }>(list, [instanceId, keys.map(uuidV7Day), keys]);
  const byKey = new Map(rows.map((row) => [row.message_id, row]));
  return new Map(
    messages.flatMap((message) => {
      const attempt = byKey.get(filedUnder(message));
      return attempt ? [[message.id, attempt] as const] : [];
    }),
  );
}
