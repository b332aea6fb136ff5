import { formatPublishId } from '../../protocol/ids.ts';
import { whileUnavailable } from '../claims/while-unavailable.ts';
import type { Clock } from '../ports/clock.ts';
import { runOne } from '../ports/command.ts';
import type { HttpClient, HttpOutcome } from '../ports/http-client.ts';
import type { Log } from '../ports/log.ts';
import type { AttemptRecord, ClaimedMessage, MessageCommands } from '../ports/message-store.ts';
import type { BuildRequestDeps } from './build-request.ts';
import { buildRequest } from './build-request.ts';
import { beamsTimeoutMs, decideAttempt } from './decide-attempt.ts';

export interface AttemptMessageDeps extends BuildRequestDeps {
  readonly store: BuildRequestDeps['store'] & Pick<MessageCommands, 'completeAttempts'>;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly retryDelaysMs: readonly number[];
}

/**
 * Sends a message once, outside any transaction, and records what came back; true when something waits after it: its
 * next attempt, or the FINISHED that its STARTED held back.
 */
export async function attemptMessage(deps: AttemptMessageDeps, message: ClaimedMessage): Promise<boolean> {
  const { instanceId, messageId, claimToken } = message;
  const request = await buildRequest(deps, message);
  if (typeof request === 'string') {
    const next = { kind: 'dropped', reason: request } as const;
    await runOne(deps.store.completeAttempts, { instanceId, messageId, claimToken, attempt: null, next });
    deps.log.info('message.dropped', { ...describe(message), reason: request });
    return false;
  }
  const startedAt = deps.clock();
  const outcome = await deps.http.post({ ...request, timeoutMs: beamsTimeoutMs });
  const { durationMs } = outcome;
  const attempts = message.attempts + 1;
  const next = decideAttempt({
    outcome,
    attempts: attempts - message.earlierAttempts,
    durationMs,
    retryDelaysMs: deps.retryDelaysMs,
  });
  const attempt = { startedAt, ...recordOf(outcome) };
  const completion = { instanceId, messageId, claimToken, attempt, next };
  const recorded = await whileUnavailable(() => runOne(deps.store.completeAttempts, completion));
  deps.log.info(`message.${recorded === 'stale' ? 'lost' : next.kind}`, {
    ...describe(message),
    attempt: attempts,
    origin: request.url.origin,
    status: attempt.status,
    reason: attempt.error,
    durationMs,
  });
  return next.kind === 'retry' || message.eventType === 'publish.started';
}

function recordOf(outcome: HttpOutcome): Omit<AttemptRecord, 'startedAt'> {
  const { durationMs, address } = outcome;
  if (outcome.kind === 'error') {
    const error = `${outcome.reason}: ${outcome.message}`;
    return { durationMs, status: null, error, address, responseHeaders: null, responseBody: null };
  }
  const { status, headers: responseHeaders, body: responseBody } = outcome;
  return { durationMs, status, error: null, address, responseHeaders, responseBody };
}

const describe = (message: ClaimedMessage) => ({
  instanceId: message.instanceId,
  messageId: message.messageId,
  webhookId: message.webhookId,
  eventType: message.eventType,
  eventId: message.eventId,
  publishId: formatPublishId(message.publishId),
});
