import type { ReplayRecord, ReplayView } from '../../core/ports/replay-store.ts';

export interface ReplayRow {
  instance_id: string;
  id: string;
  target: string;
  states: string;
  event_type: ReplayRecord['eventType'];
  since: number | null;
  max_per_second: number | null;
  created_at: number;
  cursor: string;
  counted: number;
  total: number | null;
  resent: number;
  skipped: number;
  due_at: number | null;
  ended_at: number | null;
  canceled: 0 | 1 | boolean;
}

export const replayColumns = `instance_id, id, target, states, event_type, since, max_per_second, created_at, cursor, counted,
  total, resent, skipped, due_at, ended_at, canceled`;

export const toReplay = (row: ReplayRow): ReplayView => ({
  instanceId: row.instance_id,
  replayId: row.id,
  target: row.target,
  states: JSON.parse(row.states) as ReplayRecord['states'],
  eventType: row.event_type,
  since: row.since,
  maxPerSecond: row.max_per_second,
  createdAt: row.created_at,
  state: row.ended_at === null ? 'running' : row.canceled ? 'canceled' : 'done',
  total: row.total,
  resent: row.resent,
  skipped: row.skipped,
  endedAt: row.ended_at,
});

/** How long a replay waits for its target: for its queue to become shorter, for an operator to enable it. */
export const replayRestMs = { full: 100, disabled: 5_000 };
/** With a rate, so many times a second some messages become due. */
export const replayStepsPerSecond = 5;
