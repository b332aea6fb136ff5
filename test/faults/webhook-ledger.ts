import { viewDatabase } from './database-view.ts';
import type { FaultServer } from './fault-server.ts';
import type { Behaviour, Target, WebhookRequest } from './webhook-targets.ts';
import { retryAfterMs } from './webhook-targets.ts';

export interface WebhookLedgerOptions {
  readonly server: Pick<FaultServer, 'pharos' | 'restarts'>;
  /** By id. */
  readonly webhooks: ReadonlyMap<string, Target>;
  readonly requests: readonly WebhookRequest[];
  /** How many events each webhook has to be told of. */
  readonly events: number;
  /** In this time the server's clock jumped. */
  readonly jumped: Span;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

interface MessageRow {
  readonly id: string;
  readonly target: string;
  readonly event_type: string;
  readonly state: string;
  readonly unanswered: number;
  /** Attempts that are recorded as answered 2xx. */
  readonly taken: number;
}

/** Of all requests in flight at a kill at most so many may be repeated. */
const inFlightAtOnce = 1024;

/** Compares what the targets saw with what the server says; reads the database beside the server. */
export async function openWebhookLedger({ server, webhooks, requests, events, jumped }: WebhookLedgerOptions) {
  const view = await viewDatabase(server.pharos);
  const listMessages = `SELECT id, target, event_type, state,
       (SELECT count(*) FROM attempts a WHERE a.instance_id = m.instance_id AND a.day = m.day AND a.message_id = m.id
          AND a.status IS NULL) AS unanswered,
       (SELECT count(*) FROM attempts a WHERE a.instance_id = m.instance_id AND a.day = m.day AND a.message_id = m.id
          AND a.status BETWEEN 200 AND 299) AS taken
     FROM messages m`;
  const countWaiting = `SELECT target, count(*) AS waiting FROM messages WHERE state = 'waiting' GROUP BY target`;
  const listDisabled = 'SELECT id, disabled_reason FROM webhooks WHERE disabled_at IS NOT NULL';
  const idsOf = (behaviour: Behaviour): readonly string[] =>
    [...webhooks].filter(([, target]) => target.behaviour === behaviour).map(([id]) => id);
  const opened = 'v1.UserNotificationOpen';
  const disabled = 'v1.WebhookDisabled';

  /** By target and event type: ids of messages. Asked for often, beside the targets: each request is looked at once. */
  const taken = new Map<Target, Map<string, Set<string>>>();
  let looked = 0;
  const took = (target: Target, eventType: string): number => {
    for (; looked < requests.length; looked += 1) {
      const request = requests[looked] as WebhookRequest;
      if (request.status !== 200) continue;
      const byType = taken.get(request.target) ?? new Map<string, Set<string>>();
      taken.set(request.target, byType);
      byType.set(request.eventType, (byType.get(request.eventType) ?? new Set()).add(request.messageId));
    }
    return taken.get(target)?.get(eventType)?.size ?? 0;
  };

  return {
    /** What each of them lacks, in words; empty when nothing. */
    lacking: (targets: readonly Target[]): readonly string[] =>
      targets
        .map((target) => ({ target, count: took(target, opened) }))
        .filter(({ count }) => count !== events)
        .map(({ target, count }) => `${target.host} took ${count} of ${events}`),
    knowsOfAllGone: (target: Target): boolean => took(target, disabled) === idsOf('gone').length,
    async allGoneAreDisabled(): Promise<boolean> {
      const rows = await view.all(listDisabled);
      const ids = new Set(rows.filter((row) => row['disabled_reason'] === 'gone-410').map(({ id }) => id));
      return idsOf('gone').every((id) => ids.has(id));
    },
    async waitingByBehaviour(): Promise<readonly { readonly behaviour: Behaviour; readonly waiting: number }[]> {
      const rows = await view.all(countWaiting);
      return rows.flatMap(({ target: id, waiting }) => {
        const target = webhooks.get(String(id));
        return target ? [{ behaviour: target.behaviour, waiting: Number(waiting) }] : [];
      });
    },

    async read(): Promise<{
      readonly problems: readonly string[];
      readonly figures: Readonly<Record<string, number>>;
    }> {
      const problems: string[] = [];
      const messages = (await view.all(listMessages)).map(
        ({ unanswered, taken, ...row }) =>
          ({ ...row, unanswered: Number(unanswered), taken: Number(taken) }) as MessageRow,
      );
      const byMessage = Map.groupBy(requests, ({ messageId }) => messageId);
      let repeats = 0;
      const untrusted = requests.filter(({ target }) => target.behaviour === 'untrusted').length;
      if (untrusted > 0) problems.push(`${untrusted} requests to who could not say who they are`);
      for (const [id, target] of webhooks) {
        const own = messages.filter((message) => message.target === id && message.event_type === opened);
        if (own.length !== events) problems.push(`${target.host} has ${own.length} messages for ${events} events`);
        for (const message of own) {
          const mistake = mistakeOf(message, target, byMessage.get(message.id) ?? []);
          if (mistake) problems.push(`${target.host}: ${mistake}`);
          const excess = repeatsOf(message, byMessage.get(message.id) ?? [], server.restarts);
          repeats += excess.excused;
          if (cameTooSoon(byMessage.get(message.id) ?? [], [...server.restarts.map(at), jumped])) {
            problems.push(`${target.host} was not given the time that it had asked for, with ${message.id}`);
          }
          if (excess.unexcused > 0) problems.push(`${target.host} took ${message.id} again, with no kill in between`);
        }
      }
      if (repeats > inFlightAtOnce * server.restarts.length) problems.push(`${repeats} repeats`);
      const figures = { kills: server.restarts.length, requests: requests.length, messages: messages.length, repeats };
      return { problems, figures };
    },

    close: () => view.close(),
  };
}

/** What a message should have come to by now, judged by who it is for. */
function mistakeOf(
  { id, state, taken }: MessageRow,
  { behaviour }: Target,
  requests: readonly WebhookRequest[],
): string | null {
  const wasTaken = requests.some(({ status }) => status === 200);
  if (state === 'delivered' && !wasTaken) return `${id} is delivered, and nobody took it`;
  if (behaviour === 'gone') return state === 'held' || state === 'waiting' ? null : `${id} is ${state}`;
  // Kill or not, after a recorded 2xx nothing is sent.
  if (taken !== (state === 'delivered' ? 1 : 0)) return `${id} is ${state} and was recorded as taken ${taken} times`;
  const isExpected = state === 'delivered' || state === 'waiting';
  return isExpected ? null : `${id} is ${state}`;
}

const at = (time: number): Span => ({ from: time, to: time });

/** A request of the message after a 429, sooner than its `Retry-After` said; what could have been in between excuses it. */
const cameTooSoon = (requests: readonly WebhookRequest[], excuses: readonly Span[]): boolean =>
  requests.slice(1).some((request, index) => {
    const before = requests[index];
    if (before?.status !== 429 || request.at - before.at >= retryAfterMs) return false;
    return !excuses.some(({ from, to }) => from <= request.at && to >= before.at);
  });

/** Requests that were answered 200 after one that was; a kill in between, or an answer that came too late, excuses them. */
function repeatsOf(
  { unanswered }: MessageRow,
  requests: readonly WebhookRequest[],
  restarts: readonly number[],
): { readonly excused: number; readonly unexcused: number } {
  const taken = requests.filter(({ status }) => status === 200).map(({ at }) => at);
  let lateAnswers = unanswered;
  let unexcused = 0;
  taken.slice(1).forEach((at, index) => {
    const before = taken[index] ?? 0;
    if (restarts.some((restart) => restart >= before && restart <= at)) return;
    if (lateAnswers > 0) lateAnswers -= 1;
    else unexcused += 1;
  });
  return { excused: Math.max(0, taken.length - 1) - unexcused, unexcused };
}
