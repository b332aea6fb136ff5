import type { DatabaseSync } from 'node:sqlite';
import type { CredentialsCommands, CredentialsQueries } from '../../core/ports/credentials-store.ts';
import type { CredentialsRow } from '../rows/credentials-row.ts';
import { toCredentialsView } from '../rows/credentials-row.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import type { Outbox } from './outbox.ts';
import { prepare } from './statement.ts';

export function prepareCredentialsCommands(db: DatabaseSync, outbox: Outbox): CommandHandlers<CredentialsCommands> {
  const findInstance = prepare(db, 'SELECT 1 FROM instances WHERE id = ?');
  const save = prepare(
    db,
    `INSERT INTO gateway_credentials (instance_id, platform, credentials, fingerprint, set_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (instance_id, platform) DO UPDATE SET credentials = excluded.credentials,
       fingerprint = excluded.fingerprint, set_at = excluded.set_at, expires_at = excluded.expires_at`,
  );
  const listUnannounced = prepare<CredentialsRow & { expires_at: number }>(
    db,
    `SELECT instance_id, platform, fingerprint, set_at, expires_at FROM gateway_credentials
     WHERE expires_at < ? AND (announced_expiry IS NULL OR announced_expiry <> expires_at) ORDER BY expires_at LIMIT ?`,
  );
  const setAnnounced = prepare(
    db,
    'UPDATE gateway_credentials SET announced_expiry = expires_at WHERE instance_id = ? AND platform = ?',
  );
  const remove = prepare(db, 'DELETE FROM gateway_credentials WHERE instance_id = ? AND platform = ?');
  return {
    saveCredentials: ({ instanceId, platform, credentials, fingerprint, setAt, expiresAt }) => {
      if (!findInstance.get(instanceId)) return 'unknown-instance';
      save.run(instanceId, platform, credentials, fingerprint, setAt, expiresAt);
      return 'saved';
    },
    deleteCredentials: ({ instanceId, platform }) =>
      remove.run(instanceId, platform) === 1 ? 'deleted' : 'unknown-credentials',
    announceExpiring: ({ before, limit }) => {
      const expiring = listUnannounced.all(before, limit);
      for (const { instance_id: instanceId, platform, fingerprint, expires_at: expiresAt } of expiring) {
        setAnnounced.run(instanceId, platform);
        outbox.announce(instanceId, 'v1.CredentialsExpiring', { platform, fingerprint, expiresAt });
      }
      return expiring.map(toCredentialsView);
    },
  };
}

export function prepareCredentialsQueries(db: DatabaseSync): QueryHandlers<CredentialsQueries> {
  const find = prepare<CredentialsRow>(db, 'SELECT * FROM gateway_credentials WHERE instance_id = ? AND platform = ?');
  const listExpiring = prepare<CredentialsRow>(
    db,
    `SELECT instance_id, platform, fingerprint, set_at, expires_at FROM gateway_credentials
     WHERE expires_at >= ? AND expires_at < ? ORDER BY expires_at LIMIT ?`,
  );
  return {
    findCredentials: ({ instanceId, platform }) => {
      const row = find.get(instanceId, platform);
      return row ? { ...toCredentialsView(row), credentials: row.credentials } : null;
    },
    listExpiringCredentials: ({ since, before, limit }) =>
      listExpiring.all(since, before, limit).map(toCredentialsView),
  };
}
