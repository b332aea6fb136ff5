import { join } from 'node:path';
import type { Result, SettingSources } from './read-settings.ts';
import { givenText, readSettings } from './read-settings.ts';
import { serverKeys, settingTable } from './settings.ts';
import type { SettingKey, SettingValues } from './settings.ts';

type Rows = SettingValues<(typeof serverKeys)[number]>;

/** What `pharos serve` runs with. */
export interface ServerSettings extends Omit<
  Rows,
  'tlsHost' | 'tlsPort' | 'tlsCertFile' | 'tlsKeyFile' | 'adminTokenFile' | 'vapidContact'
> {
  /** Null: no HTTPS. */
  readonly tls: {
    readonly host: string;
    readonly port: number;
    readonly certFile: string;
    readonly keyFile: string;
  } | null;
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
  const tlsMistakes = mistakesInTls((key) => givenText(sources, key) !== null);
  if (!rows.ok || tlsMistakes.length > 0) {
    return { ok: false, mistakes: [...(rows.ok ? [] : rows.mistakes), ...tlsMistakes] };
  }
  const { tlsHost, tlsPort, tlsCertFile, tlsKeyFile, adminTokenFile, vapidContact, ...others } = rows.value;
  const tls = tlsPort !== null && tlsCertFile !== null && tlsKeyFile !== null;
  return {
    ok: true,
    value: {
      ...others,
      tls: tls ? { host: tlsHost ?? others.host, port: tlsPort, certFile: tlsCertFile, keyFile: tlsKeyFile } : null,
      adminTokenFile: adminTokenFile ?? join(others.dataDir, 'admin-token'),
      vapidContact: vapidContact ?? defaultContact(others.publicUrl),
    },
  };
}

const tlsKeys = ['tlsPort', 'tlsCertFile', 'tlsKeyFile'] as const;
const tlsNames = tlsKeys.map((key) => settingTable[key].name).join(', ');

function mistakesInTls(isGiven: (key: SettingKey) => boolean): string[] {
  const given = tlsKeys.filter(isGiven).length;
  if (given > 0 && given < tlsKeys.length) return [`${tlsNames} go together: set all, or none.`];
  if (given > 0 || !isGiven('tlsHost')) return [];
  return [`${settingTable.tlsHost.name} needs ${settingTable.tlsPort.name}: without it nothing listens for HTTPS.`];
}

const defaultContact = (publicUrl: string | null): string =>
  publicUrl?.startsWith('https:') ? publicUrl : 'mailto:pharos@example.com';
