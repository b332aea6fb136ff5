import type { CredentialsRecord, CredentialsView } from '../../core/ports/credentials-store.ts';

/** Of gateway_credentials. */
export interface CredentialsRow {
  instance_id: string;
  platform: CredentialsRecord['platform'];
  credentials: Uint8Array;
  fingerprint: string;
  set_at: number;
  expires_at: number | null;
}

export const toCredentialsView = (row: CredentialsRow): CredentialsView => ({
  instanceId: row.instance_id,
  platform: row.platform,
  fingerprint: row.fingerprint,
  setAt: row.set_at,
  expiresAt: row.expires_at,
});
