import type { DatabaseSync } from 'node:sqlite';
import type { CredentialsCommands, CredentialsQueries, CredentialsRecord } from '../../core/ports/credentials-store.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';

interface CredentialsRow {
  instance_id: string;
  platform: CredentialsRecord['platform'];
  credentials: Uint8Array;
  fingerprint: string;
  set_at: number;
  expires_at: number | null;
}

export function prepareCredentialsCommands(db: DatabaseSync): CommandHandlers<CredentialsCommands> {
  const findInstance = prepare(db, 'SELECT 1 FROM instances WHERE id = ?');
  const save = prepare(
    db,
    `INSERT INTO gateway_credentials (instance_id, platform, credentials, fingerprint, set_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (instance_id, platform) DO UPDATE SET credentials = excluded.credentials,
       fingerprint = excluded.fingerprint, set_at = excluded.set_at, expires_at = excluded.expires_at`,
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
  };
}

export function prepareCredentialsQueries(db: DatabaseSync): QueryHandlers<CredentialsQueries> {
  const find = prepare<CredentialsRow>(db, 'SELECT * FROM gateway_credentials WHERE instance_id = ? AND platform = ?');
  const listExpiring = prepare<CredentialsRow>(
    db,
    `SELECT instance_id, platform, fingerprint, set_at, expires_at FROM gateway_credentials
     WHERE expires_at < ? ORDER BY expires_at LIMIT ?`,
  );
  const toRecord = (row: CredentialsRow) => ({
    instanceId: row.instance_id,
    platform: row.platform,
    fingerprint: row.fingerprint,
    setAt: row.set_at,
    expiresAt: row.expires_at,
  });
  return {
    findCredentials: ({ instanceId, platform }) => {
      const row = find.get(instanceId, platform);
      return row ? { ...toRecord(row), credentials: row.credentials } : null;
    },
    listExpiringCredentials: ({ before, limit }) => listExpiring.all(before, limit).map(toRecord),
  };
}
