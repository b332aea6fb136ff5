import { join } from 'node:path';
import type { Result, SettingSources } from './read-settings.ts';
import { givenText, readSettings } from './read-settings.ts';
import { serverKeys, settingTable } from './settings.ts';
import type { SettingValues } from './settings.ts';

type Rows = SettingValues<(typeof serverKeys)[number]>;

/** What `pharos serve` runs with. */
export interface ServerSettings extends Omit<
  Rows,
  'tlsPort' | 'tlsCertFile' | 'tlsKeyFile' | 'adminTokenFile' | 'vapidContact'
> {
  /** Null: no HTTPS. */
  readonly tls: { readonly port: number; readonly certFile: string; readonly keyFile: string } | null;
  readonly adminTokenFile: string;
  /** `mailto:` or `https:` */
  readonly vapidContact: string;
}

/** Settings of `pharos serve`, or every mistake in them. */
export function readServerSettings(
  flags: SettingSources['flags'] = {},
  env: SettingSources['env'] = process.env,
): Result<ServerSettings> {
  const sources = { env, flags };
  const rows = readSettings(sources, serverKeys);
  const tlsGiven = tlsKeys.filter((key) => givenText(sources, key) !== null).length;
  const tlsMistakes =
    tlsGiven === 0 || tlsGiven === tlsKeys.length ? [] : [`${tlsNames} go together: set all, or none.`];
  if (!rows.ok || tlsMistakes.length > 0) {
    return { ok: false, mistakes: [...(rows.ok ? [] : rows.mistakes), ...tlsMistakes] };
  }
  const { tlsPort, tlsCertFile, tlsKeyFile, adminTokenFile, vapidContact, ...others } = rows.value;
  const tls = tlsPort !== null && tlsCertFile !== null && tlsKeyFile !== null;
  return {
    ok: true,
    value: {
      ...others,
      tls: tls ? { port: tlsPort, certFile: tlsCertFile, keyFile: tlsKeyFile } : null,
      adminTokenFile: adminTokenFile ?? join(others.dataDir, 'admin-token'),
      vapidContact: vapidContact ?? defaultContact(others.publicUrl),
    },
  };
}

const tlsKeys = ['tlsPort', 'tlsCertFile', 'tlsKeyFile'] as const;
const tlsNames = tlsKeys.map((key) => settingTable[key].name).join(', ');

const defaultContact = (publicUrl: string | null): string =>
  publicUrl?.startsWith('https:') ? publicUrl : 'mailto:pharos@example.com';
