import { performance } from 'node:perf_hooks';
import type { MetricDefinition } from './exposition.ts';
import { renderFamily } from './exposition.ts';
import { metricTable } from './metric-table.ts';

/** What the process uses, read now. */
export function renderProcessMetrics(): string {
  const one = (definition: MetricDefinition, value: number): string =>
    renderFamily(definition, [{ labels: {}, value }]);
  const { user, system } = process.cpuUsage();
  return [
    one(metricTable.loopBusySeconds, performance.eventLoopUtilization().active / 1_000),
    one(metricTable.cpuSeconds, (user + system) / 1_000_000),
    one(metricTable.residentBytes, process.memoryUsage.rss()),
    one(metricTable.heapBytes, process.memoryUsage().heapUsed),
    one(metricTable.startSeconds, performance.timeOrigin / 1_000),
  ].join('');
}
