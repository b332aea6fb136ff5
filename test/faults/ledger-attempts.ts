import type { TargetRequest } from './failing-targets.ts';
import type { Findings } from './findings.ts';

/** An attempt as the admin API shows it. */
export interface AttemptView {
  readonly startedAt: string;
  readonly durationMs: number;
  /** Null: it was given up before its answer came. */
  readonly status: number | null;
}

interface ToCompare {
  /** Which message. */
  readonly what: string;
  readonly state: string;
  /** In the order in which they were made. */
  readonly attempts: readonly AttemptView[];
  /** In the order in which they came. */
  readonly requests: readonly TargetRequest[];
  readonly restarts: readonly number[];
  /** How far the times of attempts may be off. */
  readonly clockErrorMs: number;
}

/** Between taking the time and sending, a busy machine may do something else. */
const maxLateMs = 1_000;
/** What was given up may still be read by a target that is busy. */
const maxLateUnansweredMs = 15_000;

/**
 * Each recorded answer was given to a request of its own, in its time. An attempt without an answer may have reached the
 * target or nobody. Any other request is one that the process died of.
 */
export function compareAttempts({ what, state, attempts, requests, restarts, clockErrorMs }: ToCompare): Findings {
  const problems: string[] = [];
  const unrecorded = new Set(requests);
  // Those without an answer get what the others leave.
  const numbered = [...attempts.entries()].toSorted(([, one], [, other]) => +!one.status - +!other.status);
  for (const [index, { startedAt, durationMs, status }] of numbered) {
    const sentAt = Date.parse(startedAt);
    const endedAt = sentAt + durationMs;
    const late = status === null ? maxLateUnansweredMs : maxLateMs;
    const from = (earliest: number) => (request: TargetRequest) =>
      request.at >= earliest && request.at <= endedAt + late && (status ?? request.status) === request.status;
    // One that came before it was sent is only its own when no other can be.
    const own = [...unrecorded].find(from(sentAt)) ?? [...unrecorded].findLast(from(sentAt - clockErrorMs));
    if (own) unrecorded.delete(own);
    else if (status !== null)
      problems.push(`${what}: nobody gave the answer ${status} of attempt ${index + 1}, ${startedAt}`);
    if (status !== 200) continue;
    if (requests.some((request) => request !== own && request.at > endedAt))
      problems.push(`${what} was sent after its 2xx had been recorded`);
    if (state !== 'delivered' || index + 1 < attempts.length) problems.push(`${what} is ${state} and has a 2xx`);
  }
  if (state === 'delivered' && attempts.at(-1)?.status !== 200) problems.push(`${what} is delivered without a 2xx`);
  const times = [...requests.map(({ at }) => at), ...attempts.map(({ startedAt }) => Date.parse(startedAt))];
  for (const { at, status } of unrecorded) {
    // Whatever a process died of is tried again by the next one.
    const next = Math.min(...times.filter((time) => time > at));
    if (!restarts.some((restart) => at < restart && restart <= next && next < Number.POSITIVE_INFINITY))
      problems.push(`${what}: a request that was answered ${status} is not recorded, ${new Date(at).toISOString()}`);
  }
  return { problems, repeats: Array<string>(unrecorded.size).fill(what) };
}
