/** Place under `src`: a folder, `core/ports`, or `main.ts`. */
export interface Wall {
  readonly place: string;
  /** Other places that it may import from; itself it may always. */
  readonly mayImport: readonly string[] | 'everything';
}

/** Which part of `src` may know which. `core` includes `core/ports`, but not the other way round. */
export const walls: readonly Wall[] = [
  { place: 'main.ts', mayImport: 'everything' },
  { place: 'process', mayImport: 'everything' },
  { place: 'cli', mayImport: 'everything' },
  { place: 'wire', mayImport: ['core', 'core/ports', 'protocol'] },
  { place: 'core/ports', mayImport: ['protocol'] },
  { place: 'core', mayImport: ['core/ports', 'protocol', 'sealing'] },
  { place: 'gateways', mayImport: ['core/ports', 'protocol'] },
  { place: 'egress', mayImport: ['core/ports', 'protocol'] },
  // What is sealed on its way into the database is sealed by the thread that writes it.
  { place: 'storage', mayImport: ['core/ports', 'protocol', 'sealing'] },
  { place: 'sealing', mayImport: ['core/ports', 'protocol'] },
  { place: 'data-folder', mayImport: ['core/ports', 'protocol'] },
  { place: 'logging', mayImport: ['core/ports', 'protocol'] },
  { place: 'metrics', mayImport: ['core/ports', 'protocol'] },
  { place: 'config', mayImport: ['protocol'] },
  { place: 'webhooks', mayImport: ['protocol'] },
  { place: 'browser', mayImport: ['protocol'] },
  { place: 'sdk', mayImport: ['browser', 'protocol'] },
  { place: 'service-worker', mayImport: ['browser', 'protocol'] },
  { place: 'dashboard', mayImport: ['protocol'] },
  { place: 'protocol', mayImport: [] },
];

/** Packages that belong to some places only: `core` knows neither HTTP nor SQL. */
export const packageOwners: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  // The data folder's lock is SQLite's.
  ['node:sqlite', ['storage', 'data-folder']],
  ['fastify', ['wire', 'main.ts']],
  ['undici', ['egress']],
  ['pino', ['logging']],
  ['commander', ['cli']],
  ['pg', ['storage']],
  // One global `process`, so that the rule about its environment sees every use.
  ['node:process', []],
  ...['http', 'https', 'http2', 'net', 'tls', 'dns', 'dns/promises'].map((name): [string, string[]] => [
    `node:${name}`,
    ['wire', 'egress', 'cli', 'config'],
  ]),
]);

/** The place that a path below `src` belongs to, or null when nobody has said what it may import. */
export function wallOf(pathInSrc: string): Wall | null {
  const within = (place: string): boolean => pathInSrc === place || pathInSrc.startsWith(`${place}/`);
  return walls.find(({ place }) => within(place)) ?? null;
}
