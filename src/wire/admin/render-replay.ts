import { webhookIdOf } from '../../core/ports/message-store.ts';
import type { ReplayView } from '../../core/ports/replay-store.ts';

const time = (ms: number): string => new Date(ms).toISOString();

/**
 * `webhookId` is null for messages to `webhookUrl`s; those of one origin have a `target` of their own. `total` is null while
 * they are counted.
 */
export const renderReplay = (replay: ReplayView) => ({
  id: replay.replayId,
  webhookId: webhookIdOf(replay.target),
  target: replay.target,
  states: replay.states,
  eventType: replay.eventType,
  since: replay.since === null ? null : time(replay.since),
  maxPerSecond: replay.maxPerSecond,
  state: replay.state,
  total: replay.total,
  resent: replay.resent,
  skipped: replay.skipped,
  createdAt: time(replay.createdAt),
  endedAt: replay.endedAt === null ? null : time(replay.endedAt),
});
