import { expect, test } from 'vitest';
import type { MessageView } from '../ports/message-store.ts';
import type { ExplainMessage, TargetStatus } from './explain-message.ts';
import { explainMessage } from './explain-message.ts';

const now = Date.parse('2026-01-31T12:00:00Z');
const soon = now + 30_000;

const message: MessageView = {
  instanceId: 'instance',
  messageId: 'message',
  target: 'webhook',
  webhookId: 'webhook',
  eventType: 'v1.UserNotificationOpen',
  eventId: 'event',
  eventAt: now,
  publishId: 'publish',
  state: 'waiting',
  dropReason: null,
  attempts: 0,
  earlierAttempts: 0,
  batchId: null,
  dueAt: now,
  claimed: false,
  lastAttempt: null,
};
const answered500 = { startedAt: now, status: 500, error: null };
const target: TargetStatus = {
  ...{ breaker: 'closed', probeAt: null, pausedUntil: null, inFlight: 0, places: 8, maxPerSecond: null },
};

const explain = (about: Partial<MessageView>, given: Partial<ExplainMessage> = {}) =>
  explainMessage({
    message: { ...message, ...about },
    target,
    restsUntil: null,
    disabled: null,
    maxAttempts: 5,
    ahead: null,
    now,
    ...given,
  });

test.each<[string | null, Partial<MessageView>, Partial<ExplainMessage>]>([
  [null, { state: 'delivered', dueAt: null }, {}],
  ['waits for the first attempt of its STARTED', { dueAt: null }, {}],
  ['attempt 3 is under way', { attempts: 2, claimed: true, dueAt: soon }, {}],
  ['first attempt is due: its turn comes', { claimed: true }, {}],
  ['first attempt at 2026-01-31T12:00:30.000Z', { dueAt: soon }, {}],
  [
    'retry 2 of 4 at 2026-01-31T12:00:30.000Z; the last attempt was answered 500',
    { dueAt: soon, attempts: 7, earlierAttempts: 5, lastAttempt: answered500 },
    {},
  ],
  [
    'retry 1 of 4 is due: most attempts failed, the next one is made at 2026-01-31T12:00:30.000Z, 3,214 before it; the last attempt failed (timeout: no response in time)',
    { attempts: 1, lastAttempt: { startedAt: now, status: null, error: 'timeout: no response in time' } },
    { target: { ...target, breaker: 'open', probeAt: soon }, ahead: 3_214 },
  ],
  [
    'first attempt is due: most attempts failed, one at a time finds out whether it is back',
    {},
    { target: { ...target, breaker: 'half-open' }, ahead: 0 },
  ],
  ["first attempt is due: all of its target's 8 places are taken", {}, { target: { ...target, inFlight: 8 } }],
  [
    'first attempt is due: its target asked to be left alone until 2026-01-31T12:00:30.000Z, 2 before it',
    {},
    { target: { ...target, pausedUntil: soon, breaker: 'half-open' }, ahead: 2 },
  ],
  [
    'first attempt is due: its target is left alone until 2026-01-31T12:00:30.000Z: it asked for it, or most attempts failed, 2 before it',
    {},
    { target: null, restsUntil: soon, ahead: 2 },
  ],
  ['first attempt is due: its webhook takes 10 a second', {}, { target: { ...target, maxPerSecond: 10 } }],
  [
    'held: its webhook has been disabled since 2026-01-31T12:00:00.000Z, because it answered 410',
    { state: 'held', dueAt: null },
    { disabled: { since: now, reason: 'because it answered 410' } },
  ],
  [
    'given up after attempt 5; the last attempt was answered 500',
    { state: 'exhausted', attempts: 5, lastAttempt: answered500 },
    {},
  ],
  ['not sent: its user was erased', { state: 'dropped', dropReason: 'user-erased' }, {}],
])('%s', (words, about, given) => {
  expect(explain(about, given)).toBe(words);
});
