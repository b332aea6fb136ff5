import { join } from 'node:path';
import type { Result, SettingSources } from './read-settings.ts';
import { readSettings } from './read-settings.ts';
import { clientKeys } from './settings.ts';

/** What the commands that speak to a running server run with. */
export interface ClientSettings {
  /** Origin. */
  readonly url: string;
  readonly adminTokenFile: string;
  readonly dataDir: string;
}

export function readClientSettings(
  flags: SettingSources['flags'] = {},
  env: SettingSources['env'] = process.env,
): Result<ClientSettings> {
  const rows = readSettings({ env, flags }, clientKeys);
  if (!rows.ok) return rows;
  const { url, port, dataDir, adminTokenFile } = rows.value;
  return {
    ok: true,
    value: {
      dataDir,
      url: url ?? `http://127.0.0.1:${port}`,
      adminTokenFile: adminTokenFile ?? join(dataDir, 'admin-token'),
    },
  };
}
