import { offerPostgres } from './postgres-on-demand.ts';

/** Once before the tests of each project; nothing is started before somebody asks. */
export function setup(): Promise<() => Promise<void>> {
  return offerPostgres();
}
