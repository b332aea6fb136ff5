import type { DisabledReason } from '../../protocol/webhook-body.ts';
import type { InstanceDirectory, Webhook } from '../instances/instance.ts';
import type { Clock } from '../ports/clock.ts';
import type { MessageQueries, MessageTarget, MessageView } from '../ports/message-store.ts';

export interface ExplainDeps {
  readonly store: Pick<MessageQueries, 'countAhead' | 'restsUntil'>;
  readonly instances: Pick<InstanceDirectory, 'findWebhook'>;
  readonly clock: Clock;
  /** Null: nothing is known of the target here that would hold it up; other nodes may know something. */
  readonly targetStatus: (target: MessageTarget) => TargetStatus | null;
  /** Attempts of a whole schedule; null: of messages to the webhookUrls of publishes. */
  readonly maxAttempts: (webhook: Webhook | null) => number;
}

/** More are not counted: the number says enough. */
const maxCountedAhead = 100_000;

/** Why a message is where it is, in words; with the messages before it only when asked, since they are counted. */
export async function explain(deps: ExplainDeps, message: MessageView, countAhead: boolean): Promise<string | null> {
  const { instanceId, target, webhookId, dueAt } = message;
  const webhook = webhookId === null ? null : await deps.instances.findWebhook(instanceId, webhookId);
  const now = deps.clock();
  const waitsItsTurn = message.state === 'waiting' && dueAt !== null && dueAt <= now;
  return explainMessage({
    message,
    target: deps.targetStatus({ instanceId, target }),
    restsUntil: waitsItsTurn ? await deps.store.restsUntil({ instanceId, target }) : null,
    disabled: webhook && webhook.disabledAt !== null ? disabledState(webhook.disabledAt, webhook.disabledReason) : null,
    maxAttempts: deps.maxAttempts(webhook),
    ahead:
      countAhead && waitsItsTurn
        ? await deps.store.countAhead({ instanceId, target, dueAt, limit: maxCountedAhead })
        : null,
    now,
  });
}

/** What this process does with a target just now. */
export interface TargetStatus {
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** When an open breaker lets the next request through; null when it is not open. */
  readonly probeAt: number | null;
  /** Until when it asked to be left alone; null when it did not. */
  readonly pausedUntil: number | null;
  readonly inFlight: number;
  /** Requests that it may have at once. */
  readonly places: number;
  /** Null: no limit. */
  readonly maxPerSecond: number | null;
}

export interface ExplainMessage {
  readonly message: MessageView;
  /** Null: none is known, or it is not looked at. */
  readonly target: TargetStatus | null;
  /** Until when all nodes leave the target alone, whichever of them found out why; null: they do not, or it is not looked at. */
  readonly restsUntil: number | null;
  /** Since when its webhook is disabled, and why, in words; null when it is not. */
  readonly disabled: { readonly since: number; readonly reason: string | null } | null;
  /** Attempts of a whole schedule. */
  readonly maxAttempts: number;
  /** Messages that wait for the same target for longer; null when they were not counted. */
  readonly ahead: number | null;
  readonly now: number;
}

/** Why a message is where it is, in words; null for one that was delivered. */
export function explainMessage(given: ExplainMessage): string | null {
  const { message } = given;
  switch (message.state) {
    case 'delivered':
      return null;
    case 'exhausted':
      return `given up after attempt ${message.attempts}; ${lastAnswer(message)}`;
    case 'dropped':
      return `not sent: ${drops[message.dropReason ?? 'webhook-deleted']}`;
    case 'held':
      return `held: ${disabledWords(given.disabled)}`;
    case 'waiting':
      return explainWaiting(given);
  }
}

function explainWaiting(given: ExplainMessage): string {
  const { message, maxAttempts, now } = given;
  const { dueAt, attempts, earlierAttempts } = message;
  if (dueAt === null) return 'waits for the first attempt of its STARTED';
  if (message.claimed && dueAt > now) return `attempt ${attempts + 1} is under way`;
  const made = attempts - earlierAttempts;
  const next = made === 0 ? 'first attempt' : `retry ${made} of ${maxAttempts - 1}`;
  const because = message.lastAttempt ? `; ${lastAnswer(message)}` : '';
  return dueAt > now ? `${next} at ${time(dueAt)}${because}` : `${next} is due: ${holdUp(given)}${because}`;
}

/** What keeps a message from being sent that is due. */
function holdUp({ target, restsUntil, disabled, ahead, now }: ExplainMessage): string {
  const behind = ahead === null || ahead === 0 ? '' : `, ${ahead.toLocaleString('en')} before it`;
  if (disabled) return disabledWords(disabled);
  if (target && target.pausedUntil !== null && target.pausedUntil > (target.probeAt ?? 0)) {
    return `its target asked to be left alone until ${time(target.pausedUntil)}${behind}`;
  }
  if (target?.breaker === 'open') {
    return `most attempts failed, the next one is made at ${time(target.probeAt ?? 0)}${behind}`;
  }
  if (restsUntil !== null && restsUntil > now) {
    return `its target is left alone until ${time(restsUntil)}: it asked for it, or most attempts failed${behind}`;
  }
  if (target?.breaker === 'half-open')
    return `most attempts failed, one at a time finds out whether it is back${behind}`;
  if (target && target.inFlight >= target.places) {
    return `all of its target's ${target.places} places are taken${behind}`;
  }
  if (target?.maxPerSecond != null) return `its webhook takes ${target.maxPerSecond} a second${behind}`;
  return `its turn comes${behind}`;
}

const disabledState = (since: number, reason: DisabledReason | null) => ({
  since,
  reason: reason && { 'gone-410': 'because it answered 410', failing: 'because it did nothing but fail' }[reason],
});

const disabledWords = (disabled: ExplainMessage['disabled']): string =>
  disabled
    ? `its webhook has been disabled since ${time(disabled.since)}${disabled.reason === null ? '' : `, ${disabled.reason}`}`
    : 'its webhook was disabled; a catch-up sends it';

const drops = {
  'user-erased': 'its user was erased',
  'webhook-deleted': 'its webhook was deleted',
};

const lastAnswer = ({ lastAttempt }: MessageView): string =>
  lastAttempt === null
    ? 'nothing was sent'
    : lastAttempt.status === null
      ? `the last attempt failed (${lastAttempt.error})`
      : `the last attempt was answered ${lastAttempt.status}`;

const time = (ms: number): string => new Date(ms).toISOString();
