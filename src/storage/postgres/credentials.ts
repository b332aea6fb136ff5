import type { CredentialsCommands, CredentialsQueries } from '../../core/ports/credentials-store.ts';
import type { CredentialsRow } from '../rows/credentials-row.ts';
import { toCredentialsView } from '../rows/credentials-row.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { each } from './handlers.ts';
import { announce } from './outbox.ts';

const save = `INSERT INTO gateway_credentials (instance_id, platform, credentials, fingerprint, set_at, expires_at)
  SELECT $1, $2, $3, $4, $5, $6 FROM instances WHERE id = $1
  ON CONFLICT (instance_id, platform) DO UPDATE SET credentials = excluded.credentials,
    fingerprint = excluded.fingerprint, set_at = excluded.set_at, expires_at = excluded.expires_at`;
const remove = 'DELETE FROM gateway_credentials WHERE instance_id = $1 AND platform = $2';
// Whoever waits for another node's row finds that it was announced there.
const announceNext = `UPDATE gateway_credentials SET announced_expiry = expires_at
  WHERE (instance_id, platform) IN (
    SELECT instance_id, platform FROM gateway_credentials
    WHERE expires_at < $1 AND announced_expiry IS DISTINCT FROM expires_at ORDER BY expires_at LIMIT $2 FOR UPDATE)
  RETURNING instance_id, platform, fingerprint, set_at, expires_at`;
const find = `SELECT instance_id, platform, credentials, fingerprint, set_at, expires_at FROM gateway_credentials
  WHERE instance_id = $1 AND platform = $2`;
const listExpiring = `SELECT instance_id, platform, fingerprint, set_at, expires_at FROM gateway_credentials
  WHERE expires_at >= $1 AND expires_at < $2 ORDER BY expires_at LIMIT $3`;

export const credentialsCommands: CommandHandlers<CredentialsCommands> = {
  saveCredentials: each(async (sql, { instanceId, platform, credentials, fingerprint, setAt, expiresAt }) => {
    const saved = await sql.run(save, [instanceId, platform, credentials, fingerprint, setAt, expiresAt]);
    return saved === 1 ? 'saved' : 'unknown-instance';
  }),
  deleteCredentials: each(async (sql, { instanceId, platform }) =>
    (await sql.run(remove, [instanceId, platform])) === 1 ? 'deleted' : 'unknown-credentials',
  ),
  announceExpiring: each(async (sql, { before, limit }) => {
    const rows = await sql.all<CredentialsRow & { expires_at: number }>(announceNext, [before, limit]);
    const expiring = rows.sort((one, other) => one.expires_at - other.expires_at);
    for (const { instance_id: instanceId, platform, fingerprint, expires_at: expiresAt } of expiring) {
      await announce(sql, instanceId, 'v1.CredentialsExpiring', { platform, fingerprint, expiresAt });
    }
    return expiring.map(toCredentialsView);
  }),
};

export const credentialsQueries: QueryHandlers<CredentialsQueries> = {
  findCredentials: async (sql, { instanceId, platform }) => {
    const row = await sql.get<CredentialsRow>(find, [instanceId, platform]);
    return row ? { ...toCredentialsView(row), credentials: row.credentials } : null;
  },
  listExpiringCredentials: async (sql, { since, before, limit }) =>
    (await sql.all<CredentialsRow>(listExpiring, [since, before, limit])).map(toCredentialsView),
};
