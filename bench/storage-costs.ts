/**
 * What size costs on PostgreSQL: processor time of this process and the database's, per item, at 10,000 and at 1,000,000
 * devices, reports and waiting messages, in rounds that alternate. `audience.ts` has the same for SQLite. `--growth`, `--rounds`.
 */
import { parseArgs } from 'node:util';
import { databaseAt, withClient } from '../test/support/postgres-client.ts';
import { startPostgres } from '../test/support/postgres-cluster.ts';
import { costPerItem } from './cost-per-item.ts';
import { cpuOfDatabase } from './cpu-time.ts';
import { fillDatabase } from './fill-postgres.ts';
import { median } from './median.ts';
import { printResults } from './print-results.ts';

const { values } = parseArgs({
  options: { growth: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '25' } },
});
const most = Number(values.growth);
const few = most / 100;
const rounds = Number(values.rounds);
const messagesPerRound = 300;

// What is measured fits into the cache, and was written by a checkpoint: else who needs a page first writes one of the filling.
const cluster = await startPostgres({
  initdbOptions: ['--locale=C.UTF-8'],
  settings: { shared_buffers: '3GB', max_wal_size: '8GB', checkpoint_timeout: '30min' },
});
const filled = async (count: number) => {
  const name = `bench_${count}`;
  await withClient(cluster.url, (client) => client.query(`CREATE DATABASE ${name}`));
  const database = await fillDatabase(databaseAt(cluster.url, name), count);
  const ofDatabase = cpuOfDatabase(name);
  const cpu = () => {
    const { user, system } = process.cpuUsage();
    return user + system + ofDatabase();
  };
  return { database, measure: () => costPerItem(database, messagesPerRound, cpu) };
};
const startedAt = performance.now();
const small = await filled(few);
const large = await filled(most);
await withClient(cluster.url, (client) => client.query('CHECKPOINT'));
console.log(`filled in ${Math.round((performance.now() - startedAt) / 1_000)} s`);

type Costs = Awaited<ReturnType<typeof costPerItem>>;
const costs: { readonly small: Costs[]; readonly large: Costs[] } = { small: [], large: [] };
for (let round = 0; round <= rounds; round++) {
  const order = round % 2 === 0 ? (['small', 'large'] as const) : (['large', 'small'] as const);
  for (const size of order) {
    const cost = await { small, large }[size].measure();
    if (round > 0) costs[size].push(cost); // The first one warms up.
  }
}
const names = ['register', 'accept', 'read', 'report', 'deliver'] as const;
const version = await withClient(cluster.url, async (client) => {
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  return rows[0]?.server_version.split(' ')[0] ?? '';
});
printResults(
  `Costs on PostgreSQL ${version}, Node ${process.versions.node}, medians of ${rounds} rounds`,
  names.map((name) => ({
    what: `µs per ${name} on PostgreSQL, ${most} devices and waiting messages`,
    against: `${few} of each`,
    µs: median(costs.large.map((cost) => cost[name])).toFixed(1),
    'µs against': median(costs.small.map((cost) => cost[name])).toFixed(1),
    ratio: median(costs.large.map((cost, index) => cost[name] / (costs.small[index]?.[name] ?? Number.NaN))).toFixed(2),
    goal: 'must 1.3, aim 1.1',
  })),
);
await Promise.all([small.database.store.close(), large.database.store.close()]);
await cluster.remove();
