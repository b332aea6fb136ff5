import { availableParallelism } from 'node:os';
import { roles } from '../protocol/roles.ts';
import type { Role } from '../protocol/roles.ts';
import {
  parseContact,
  parseDatabaseUrl,
  parseHostPattern,
  parseList,
  parseNetwork,
  parseNumber,
  parseOneOf,
  parseOrigin,
  parseProxyNetwork,
  parseSwitch,
  parseText,
} from './parsers.ts';
import type { Setting } from './setting.ts';

export const logLevels = ['info', 'warn', 'error'] as const;

const setting = <Value>(row: Setting<Value>): Setting<Value> => row;

/** The table: parser, flags, `docs/configuration.md` and `.env.example` come from it. */
export const settingTable = {
  host: setting({
    name: 'PHAROS_HOST',
    placeholder: 'address',
    defaultText: '127.0.0.1',
    defaultValue: () => '127.0.0.1',
    parse: parseText,
    doc: 'Address to listen on. `0.0.0.0` is every IPv4 interface, `::` every interface.',
    example: '0.0.0.0',
  }),
  port: setting({
    name: 'PHAROS_PORT',
    placeholder: 'port',
    defaultText: '8790',
    defaultValue: () => 8790,
    parse: parseNumber(0, 65_535),
    doc: "Port for plain HTTP; `0` takes any free one. The official Node server SDK speaks only HTTP to a host of one's own, so keep this port on a private network.",
    example: '8790',
  }),
  tlsPort: setting<number | null>({
    name: 'PHAROS_TLS_PORT',
    placeholder: 'port',
    defaultText: null,
    defaultValue: () => null,
    parse: parseNumber(0, 65_535),
    doc: 'Port for HTTPS, beside the one for HTTP. Needs `PHAROS_TLS_CERT_FILE` and `PHAROS_TLS_KEY_FILE`.',
    example: '8443',
  }),
  tlsCertFile: setting<string | null>({
    name: 'PHAROS_TLS_CERT_FILE',
    placeholder: 'file',
    defaultText: null,
    defaultValue: () => null,
    parse: parseText,
    doc: "PEM file with the server's certificate, followed by the intermediate ones.",
    example: '/etc/pharos/tls/fullchain.pem',
  }),
  tlsKeyFile: setting<string | null>({
    name: 'PHAROS_TLS_KEY_FILE',
    placeholder: 'file',
    defaultText: null,
    defaultValue: () => null,
    parse: parseText,
    doc: "PEM file with the certificate's private key.",
    example: '/etc/pharos/tls/privkey.pem',
  }),
  dataDir: setting({
    name: 'PHAROS_DATA_DIR',
    placeholder: 'folder',
    defaultText: './pharos-data',
    defaultValue: () => './pharos-data',
    parse: parseText,
    doc: 'Folder for the database, the master keys and the admin token. Made at the first start, with access for its owner only. One `pharos serve` at a time uses it.',
    example: '/var/lib/pharos',
  }),
  masterKeysFile: setting<string | null>({
    name: 'PHAROS_MASTER_KEYS_FILE',
    placeholder: 'file',
    defaultText: '`master-keys.json` in the data folder',
    defaultValue: () => null,
    parse: parseText,
    doc: 'File with the keys that secrets in the database are sealed with. Made at the first start. All nodes of one database need the same keys: let them read one file, or give each a copy.',
    example: '/run/secrets/pharos-master-keys.json',
  }),
  databaseUrl: setting<string | null>({
    name: 'PHAROS_DATABASE_URL',
    placeholder: 'url',
    defaultText: null,
    defaultValue: () => null,
    parse: parseDatabaseUrl,
    doc: 'PostgreSQL database, version 14 or newer, that any number of nodes work on together. Without it the database is an SQLite file in the data folder, for one node.',
    example: 'postgres://pharos:secret@db.internal:5432/pharos',
    secret: true,
  }),
  databaseReadUrl: setting<string | null>({
    name: 'PHAROS_DATABASE_READ_URL',
    placeholder: 'url',
    defaultText: '`PHAROS_DATABASE_URL`',
    defaultValue: () => null,
    parse: parseDatabaseUrl,
    doc: 'Where lists and logs for people are read: it may be a replica, and show things a moment later.',
    example: 'postgres://pharos:secret@replica.internal:5432/pharos',
    secret: true,
  }),
  databaseListenUrl: setting<string | null>({
    name: 'PHAROS_DATABASE_LISTEN_URL',
    placeholder: 'url',
    defaultText: '`PHAROS_DATABASE_URL`',
    defaultValue: () => null,
    parse: parseDatabaseUrl,
    doc: 'Where the node listens for what others tell it (`LISTEN`). Behind a pooler in transaction mode it has to be the database itself.',
    example: 'postgres://pharos:secret@db.internal:5432/pharos',
    secret: true,
  }),
  databaseConnections: setting({
    name: 'PHAROS_DATABASE_CONNECTIONS',
    placeholder: 'number',
    defaultText: '20',
    defaultValue: () => 20,
    parse: parseNumber(2, 1_000),
    doc: 'Connections to PostgreSQL that the node works on at a time, at most. Three more tell other nodes and hear them; with `PHAROS_DATABASE_READ_URL` five more read there.',
    example: '40',
  }),
  databasePreparedStatements: setting({
    name: 'PHAROS_DATABASE_PREPARED_STATEMENTS',
    placeholder: null,
    defaultText: 'true',
    defaultValue: () => true,
    parse: parseSwitch,
    doc: 'Turn it off behind a pooler that does not keep prepared statements, such as PgBouncer before 1.21 in transaction mode.',
    example: 'false',
  }),
  roles: setting<readonly Role[]>({
    name: 'PHAROS_ROLES',
    placeholder: 'roles',
    defaultText: 'all of them',
    defaultValue: () => roles,
    parse: parseList(parseOneOf(roles)),
    doc: 'What the node does, separated by commas: `api` answers requests, `fan-out` sends pushes, `webhooks` sends webhooks. A node that lacks one needs `PHAROS_DATABASE_URL` and others that have it. Every node answers `/healthz`, `/readyz` and `/metrics`.',
    example: 'fan-out,webhooks',
  }),
  adminTokenFile: setting<string | null>({
    name: 'PHAROS_ADMIN_TOKEN_FILE',
    placeholder: 'file',
    defaultText: '`admin-token` in the data folder',
    defaultValue: () => null,
    parse: parseText,
    doc: 'File with the token that the admin API asks for (at least 32 characters). Made at the start if it is not there. The commands that speak to a running server read it too.',
    example: '/run/secrets/pharos-admin-token',
  }),
  publicUrl: setting<string | null>({
    name: 'PHAROS_PUBLIC_URL',
    placeholder: 'url',
    defaultText: null,
    defaultValue: () => null,
    parse: parseOrigin,
    doc: 'Address under which browsers reach this server. User tokens may name it as their issuer.',
    example: 'https://push.example.com',
  }),
  trustedProxies: setting<readonly string[]>({
    name: 'PHAROS_TRUSTED_PROXIES',
    placeholder: 'networks',
    defaultText: null,
    defaultValue: () => [],
    parse: parseList(parseProxyNetwork),
    doc: "Reverse proxies whose `X-Forwarded-For` is believed, as addresses or networks, separated by commas. Without it every caller's address is that of its connection.",
    example: '10.0.0.0/8',
  }),
  vapidContact: setting<string | null>({
    name: 'PHAROS_VAPID_CONTACT',
    placeholder: 'uri',
    defaultText: '`PHAROS_PUBLIC_URL` if that is `https:`, else `mailto:pharos@example.com`',
    defaultValue: () => null,
    parse: parseContact,
    doc: 'Whom push services can turn to when something is wrong with what you send: `mailto:` or `https:`. Sent to them with every push (the `sub` claim of RFC 8292).',
    example: 'mailto:push-team@example.com',
  }),
  pushEndpointHosts: setting<readonly string[]>({
    name: 'PHAROS_PUSH_ENDPOINT_HOSTS',
    placeholder: 'hosts',
    defaultText: null,
    defaultValue: () => [],
    parse: parseList(parseHostPattern),
    doc: 'Hosts of push services that subscriptions may point at, beside those of the known browsers; separated by commas. `*.example.com` stands for every host below `example.com`.',
    example: 'push.example.com,*.push.example.net',
  }),
  allowNetworks: setting<readonly string[]>({
    name: 'PHAROS_ALLOW_NETWORKS',
    placeholder: 'networks',
    defaultText: null,
    defaultValue: () => [],
    parse: parseList(parseNetwork),
    doc: 'Networks that webhooks and pushes may reach beside the public internet, as addresses or networks, separated by commas. Needed for receivers on your own network.',
    example: '10.1.0.0/16,fd12:3456::/32',
  }),
  allowHttpWebhooks: setting({
    name: 'PHAROS_ALLOW_HTTP_WEBHOOKS',
    placeholder: null,
    defaultText: 'false',
    defaultValue: () => false,
    parse: parseSwitch,
    doc: "Lets webhooks have `http:` addresses. They carry your users' names, so leave it off outside a private network.",
    example: 'true',
  }),
  encryptionThreads: setting({
    name: 'PHAROS_ENCRYPTION_THREADS',
    placeholder: 'number',
    defaultText: 'as many as there are cores',
    defaultValue: () => availableParallelism(),
    parse: parseNumber(1, 256),
    doc: 'Threads that encrypt pushes.',
    example: '4',
  }),
  goneBrakePercent: setting({
    name: 'PHAROS_GONE_BRAKE_PERCENT',
    placeholder: 'percent',
    defaultText: '25',
    defaultValue: () => 25,
    parse: parseNumber(1, 100),
    doc: "When this part of a push service's answers says that devices are gone (and they are at least 100), no more of its devices are removed: push services have had such accidents. It ends when the part has fallen to half of this, or with `pharos push-origin resume`.",
    example: '40',
  }),
  publishesPerSecond: setting({
    name: 'PHAROS_PUBLISHES_PER_SECOND',
    placeholder: 'number',
    defaultText: '100',
    defaultValue: () => 100,
    parse: parseNumber(1, 1_000_000),
    doc: 'Publish requests that an instance may make in a second; further ones are answered 429 with `Retry-After`. Reports are never counted.',
    example: '500',
  }),
  clientRequestsPerSecond: setting({
    name: 'PHAROS_CLIENT_REQUESTS_PER_SECOND',
    placeholder: 'number',
    defaultText: '100',
    defaultValue: () => 100,
    parse: parseNumber(1, 1_000_000),
    doc: 'Device requests that one client address (an IPv4 address or an IPv6 /64) may make in a second, with a burst of ten times as many; further ones are answered 429. Reports may be ten times as many again; further ones are answered 503, which phones send again later. Behind a proxy set `PHAROS_TRUSTED_PROXIES`, or all clients have one address.',
    example: '200',
  }),
  maxDevicesPerInstance: setting({
    name: 'PHAROS_MAX_DEVICES_PER_INSTANCE',
    placeholder: 'number',
    defaultText: '1000000',
    defaultValue: () => 1_000_000,
    parse: parseNumber(1, 999_999_999),
    doc: 'Devices that an instance may have; further ones are not registered (422 `Device could not be created`). Devices need no key to register, so this bounds what strangers can fill the disk with.',
    example: '5000000',
  }),
  retentionDays: setting({
    name: 'PHAROS_RETENTION_DAYS',
    placeholder: 'days',
    defaultText: '30',
    defaultValue: () => 30,
    parse: parseNumber(1, 3_650),
    doc: 'How long publishes, reports, events, messages with their attempts, and what is left of devices that are gone are kept, in whole days (UTC). What still waits to be sent is kept longer.',
    example: '90',
  }),
  logLevel: setting<(typeof logLevels)[number]>({
    name: 'PHAROS_LOG_LEVEL',
    placeholder: 'level',
    defaultText: 'info',
    defaultValue: () => 'info',
    parse: parseOneOf(logLevels),
    doc: 'Least severe log lines to print: `info`, `warn` or `error`. The log is JSON lines on standard output.',
    example: 'warn',
  }),
  url: setting<string | null>({
    name: 'PHAROS_URL',
    placeholder: 'url',
    defaultText: '`http://127.0.0.1:` and `PHAROS_PORT`',
    defaultValue: () => null,
    parse: parseOrigin,
    doc: 'Where the commands that speak to a running server find it. `pharos serve` does not use it.',
    example: 'http://127.0.0.1:8790',
  }),
} as const;

export type SettingKey = keyof typeof settingTable;
type ValueOf<Row> = Row extends Setting<infer Value> ? Value : never;

/** Values of some settings, by the table's keys. */
export type SettingValues<Key extends SettingKey = SettingKey> = {
  readonly [K in Key]: ValueOf<(typeof settingTable)[K]>;
};

/** What the commands that speak to a running server use. */
export const clientKeys = ['url', 'port', 'dataDir', 'adminTokenFile'] as const satisfies readonly SettingKey[];

const allKeys = Object.keys(settingTable) as SettingKey[];
/** What `pharos serve` uses. */
export const serverKeys = allKeys.filter((key) => key !== 'url');
/** Of them, those that can be given as flags. */
export const serveFlagKeys = serverKeys.filter((key) => !(settingTable[key] as Setting<unknown>).secret);
