import type { AnsweredRequest, Metrics } from '../core/ports/metrics.ts';
import type { StoreLoad } from '../core/ports/queue-store.ts';
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
  readonly store: StoreLoad | null;
  /** Targets of webhooks by what holds them up. */
  readonly targets: Readonly<Record<'open' | 'half-open' | 'slowed', number>>;
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
  const webhookAttempts = createCounter(metricTable.webhookAttempts);
  const webhookSeconds = createHistogram(metricTable.webhookSeconds);
  const webhookDelaySeconds = createHistogram(metricTable.webhookDelaySeconds);
  const requests = createCounter(metricTable.requests);
  const requestSeconds = createHistogram(metricTable.requestSeconds);
  const commits = createCounter(metricTable.commits);
  const commitSeconds = createHistogram(metricTable.commitSeconds);
  const commitItems = createHistogram(metricTable.commitItems);
  const loopDelaySeconds = createHistogram(metricTable.loopDelaySeconds);
  /** By route, status and method: to make keys of them for each request costs more than to count it. */
  const answered = new Map<string | null, Map<number, Map<string, (seconds: number) => void>>>();
  const rememberAnswered = ({ method, route, status }: AnsweredRequest): ((seconds: number) => void) => {
    const labels = { method: methods.has(method) ? method : 'other', route: route ?? 'none' };
    const count = requests.adding({ ...labels, status: String(status) });
    const observe = requestSeconds.observing({ route: labels.route });
    const note = (seconds: number): void => {
      count();
      observe(seconds);
    };
    const byStatus = answered.get(route) ?? new Map<number, Map<string, typeof note>>();
    const byMethod = byStatus.get(status) ?? new Map<string, typeof note>();
    answered.set(route, byStatus.set(status, byMethod));
    // Any other method is what somebody has made up.
    if (methods.has(method)) byMethod.set(method, note);
    return note;
  };
  const watch = new EventLoopWatch((seconds) => loopDelaySeconds.observe({}, seconds));

  return {
    publishRequested: (result) => publishes.add({ result }),
    deliveryAttempted: (platform, outcome) => deliveries.add({ platform, outcome }),
    reportReceived: (kind, result) => reports.add({ kind, result }),
    webhookAttempted: ({ outcome, status, durationMs, delaysMs }) => {
      webhookAttempts.add({ outcome, answer: status === null ? 'none' : `${Math.floor(status / 100)}xx` });
      webhookSeconds.observe({}, durationMs / 1_000);
      for (const delayMs of delaysMs) webhookDelaySeconds.observe({}, delayMs / 1_000);
    },
    requestAnswered(request) {
      const { method, route, status, durationMs } = request;
      const known = answered.get(route)?.get(status)?.get(method);
      (known ?? rememberAnswered(request))(durationMs / 1_000);
    },
    committed: ({ items, durationMs, written }) => {
      commits.add({ result: written ? 'written' : 'failed' });
      commitSeconds.observe({}, durationMs / 1_000);
      commitItems.observe({}, items);
    },
    render: (readings) =>
      [
        ...[publishes, deliveries, reports, requests, requestSeconds].map((family) => family.render()),
        ...[webhookAttempts, webhookSeconds, webhookDelaySeconds].map((family) => family.render()),
        renderTargets(readings),
        ...[commits, commitSeconds, commitItems].map((family) => family.render()),
        renderStore(readings),
        loopDelaySeconds.render(),
        renderProcessMetrics(),
      ].join(''),
    start: () => watch.start(),
    stop: () => watch.stop(),
  };
}

function renderTargets({ targets }: Readings): string {
  const samples = Object.entries(targets).map(([state, value]) => ({ labels: { state }, value }));
  return renderFamily(metricTable.webhookTargets, samples);
}

function renderStore({ store }: Readings): string {
  const available = renderFamily(metricTable.storeAvailable, [{ labels: {}, value: store ? 1 : 0 }]);
  if (!store) return available;
  const { queues: sizes, disabledWebhooks, runningReplays } = store;
  const items = queues.flatMap((queue) => [
    { labels: { queue, state: 'due' }, value: sizes[queue].due },
    { labels: { queue, state: 'later' }, value: sizes[queue].later },
  ]);
  const oldest = queues.map((queue) => ({ labels: { queue }, value: sizes[queue].oldestDueMs / 1_000 }));
  return [
    available,
    renderFamily(metricTable.queueItems, items),
    renderFamily(metricTable.oldestDueSeconds, oldest),
    renderFamily(metricTable.webhooksDisabled, [{ labels: {}, value: disabledWebhooks }]),
    renderFamily(metricTable.replaysRunning, [{ labels: {}, value: runningReplays }]),
  ].join('');
}
