import type { MetricDefinition } from './exposition.ts';

const requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Everything that `/metrics` shows. No label holds a tenant, a webhook or a name that somebody outside chooses: the number
 * of series stays the same however many of them there are.
 */
export const metricTable = {
  publishes: {
    name: 'pharos_publishes_total',
    type: 'counter',
    help: 'Requests to publish; replayed: answered again for the same idempotency key.',
    labels: ['result'],
  },
  deliveries: {
    name: 'pharos_deliveries_total',
    type: 'counter',
    help: 'Attempts to deliver a publish to a device; deferred ones are tried again.',
    labels: ['platform', 'outcome'],
  },
  reports: {
    name: 'pharos_reports_total',
    type: 'counter',
    help: 'Reports of devices; repeats and those of unknown devices or publishes change nothing.',
    labels: ['kind', 'result'],
  },
  webhookAttempts: {
    name: 'pharos_webhook_attempts_total',
    type: 'counter',
    help: 'Requests to webhooks by what became of their messages and by the answer: 2xx to 5xx, or none.',
    labels: ['outcome', 'answer'],
  },
  webhookSeconds: {
    name: 'pharos_webhook_attempt_duration_seconds',
    type: 'histogram',
    help: 'Time of a request to a webhook, from the connection to the end of the answer.',
    labels: [],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  webhookDelaySeconds: {
    name: 'pharos_webhook_delay_seconds',
    type: 'histogram',
    help: 'Time of a delivered message from its event to the 2xx, retries and waiting included.',
    labels: [],
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600, 3600, 21600, 86400],
  },
  webhookTargets: {
    name: 'pharos_webhook_targets',
    type: 'gauge',
    help: 'Targets that are held up now, by their breaker (open, half-open), or slowed because they asked for it or half of it fails.',
    labels: ['state'],
  },
  webhooksDisabled: {
    name: 'pharos_webhooks_disabled',
    type: 'gauge',
    help: 'Webhooks that nothing is sent to.',
    labels: [],
  },
  replaysRunning: {
    name: 'pharos_replays_running',
    type: 'gauge',
    help: 'Replays that have not ended.',
    labels: [],
  },
  requests: {
    name: 'pharos_http_requests_total',
    type: 'counter',
    help: 'Requests that were answered.',
    labels: ['method', 'route', 'status'],
  },
  requestSeconds: {
    name: 'pharos_http_request_duration_seconds',
    type: 'histogram',
    help: 'Time until a request was answered.',
    labels: ['route'],
    buckets: requestSeconds,
  },
  commits: {
    name: 'pharos_store_commits_total',
    type: 'counter',
    help: 'Transactions of the store; of a failed one nothing was written.',
    labels: ['result'],
  },
  commitSeconds: {
    name: 'pharos_store_commit_duration_seconds',
    type: 'histogram',
    help: 'Time of a transaction, its sync to the disk included.',
    labels: [],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
  commitItems: {
    name: 'pharos_store_commit_items',
    type: 'histogram',
    help: 'Commands that shared a transaction.',
    labels: [],
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
  },
  storeAvailable: {
    name: 'pharos_store_available',
    type: 'gauge',
    help: '1 when the store answers, else 0; what is read from it is left out then.',
    labels: [],
  },
  queueItems: {
    name: 'pharos_queue_items',
    type: 'gauge',
    help: 'What waits in the store; due: its time has come, later: it has not, or it is in hand. SQLite counts up to 1,000,000, PostgreSQL estimates beyond some 20,000.',
    labels: ['queue', 'state'],
  },
  oldestDueSeconds: {
    name: 'pharos_queue_oldest_due_seconds',
    type: 'gauge',
    help: 'How long the item that waits longest is overdue, whatever holds it; 0 when nothing is.',
    labels: ['queue'],
  },
  loopDelaySeconds: {
    name: 'pharos_event_loop_delay_seconds',
    type: 'histogram',
    help: 'How late a timer of the main thread fires, ten times a second.',
    labels: [],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
  loopBusySeconds: {
    name: 'pharos_event_loop_busy_seconds_total',
    type: 'counter',
    help: 'Time in which the event loop of the main thread had something to do.',
    labels: [],
  },
  cpuSeconds: {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of the process, user and system, all threads.',
    labels: [],
  },
  residentBytes: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process.',
    labels: [],
  },
  heapBytes: {
    name: 'nodejs_heap_size_used_bytes',
    type: 'gauge',
    help: 'Used heap of the main thread.',
    labels: [],
  },
  startSeconds: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the process began, in seconds since 1970.',
    labels: [],
  },
} as const satisfies Record<string, MetricDefinition>;
