import type { SealedPlace } from '../../core/ports/sealer.ts';

/** Tables with sealed columns, in the order in which they are read. */
export const sealedTables = ['instances', 'webhooks', 'gateway_credentials', 'publishes'] as const;
export type SealedTable = (typeof sealedTables)[number];

export const sealedColumnsOf: Readonly<Record<SealedTable, readonly SealedPlace['column'][]>> = {
  instances: ['instances.secret_key', 'instances.previous_secret_key', 'instances.vapid_private_key'],
  webhooks: ['webhooks.url', 'webhooks.secret', 'webhooks.previous_secret', 'webhooks.signing_key', 'webhooks.headers'],
  gateway_credentials: ['gateway_credentials.credentials'],
  publishes: ['publishes.body'],
};

export const columnNameOf = (column: SealedPlace['column']): string => column.slice(column.indexOf('.') + 1);
export const instanceColumnOf = (table: SealedTable): string => (table === 'instances' ? 'id' : 'instance_id');
export const rowIdColumnOf = (table: SealedTable): string => (table === 'gateway_credentials' ? 'platform' : 'id');
