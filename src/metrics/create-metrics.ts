import type { Metrics } from '../core/ports/metrics.ts';
import type { Queue, QueueSize } from '../core/ports/queue-store.ts';
import { queues } from '../core/ports/queue-store.ts';
import { createCounter } from './counter.ts';
import { EventLoopWatch } from './event-loop-watch.ts';
import { renderFamily } from './exposition.ts';
import { createHistogram } from './histogram.ts';
import { metricTable } from './metric-table.ts';
import { renderProcessMetrics } from './process-metrics.ts';

/** What is not counted but looked at. */
export interface Readings {
  /** Null: the store does not answer. */
  readonly queues: Readonly<Record<Queue, QueueSize>> | null;
}

/** What this process counts, until it ends. */
export interface ProcessMetrics extends Metrics {
  /** Everything in Prometheus' text format. */
  render(readings: Readings): string;
  start(): void;
  stop(): void;
}

/** Methods are a label: others than these come from guessing. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export function createMetrics(): ProcessMetrics {
  const publishes = createCounter(metricTable.publishes);
  const deliveries = createCounter(metricTable.deliveries);
  const reports = createCounter(metricTable.reports);
  const requests = createCounter(metricTable.requests);
  const requestSeconds = createHistogram(metricTable.requestSeconds);
  const commits = createCounter(metricTable.commits);
  const commitSeconds = createHistogram(metricTable.commitSeconds);
  const commitItems = createHistogram(metricTable.commitItems);
  const loopDelaySeconds = createHistogram(metricTable.loopDelaySeconds);
  const watch = new EventLoopWatch((seconds) => loopDelaySeconds.observe({}, seconds));

  return {
    publishRequested: (result) => publishes.add({ result }),
    deliveryAttempted: (platform, outcome) => deliveries.add({ platform, outcome }),
    reportReceived: (kind, result) => reports.add({ kind, result }),
    requestAnswered: ({ method, route, status, durationMs }) => {
      const labels = { method: methods.has(method) ? method : 'other', route: route ?? 'none' };
      requests.add({ ...labels, status: String(status) });
      requestSeconds.observe({ route: labels.route }, durationMs / 1_000);
    },
    committed: ({ items, durationMs, written }) => {
      commits.add({ result: written ? 'written' : 'failed' });
      commitSeconds.observe({}, durationMs / 1_000);
      commitItems.observe({}, items);
    },
    render: (readings) =>
      [
        ...[publishes, deliveries, reports, requests, requestSeconds].map((family) => family.render()),
        ...[commits, commitSeconds, commitItems].map((family) => family.render()),
        renderQueues(readings),
        loopDelaySeconds.render(),
        renderProcessMetrics(),
      ].join(''),
    start: () => watch.start(),
    stop: () => watch.stop(),
  };
}

function renderQueues({ queues: sizes }: Readings): string {
  const available = renderFamily(metricTable.storeAvailable, [{ labels: {}, value: sizes ? 1 : 0 }]);
  if (!sizes) return available;
  const items = queues.flatMap((queue) => [
    { labels: { queue, state: 'due' }, value: sizes[queue].due },
    { labels: { queue, state: 'later' }, value: sizes[queue].later },
  ]);
  const oldest = queues.map((queue) => ({ labels: { queue }, value: sizes[queue].oldestDueMs / 1_000 }));
  return available + renderFamily(metricTable.queueItems, items) + renderFamily(metricTable.oldestDueSeconds, oldest);
}
