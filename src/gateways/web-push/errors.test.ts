import { expect, test } from 'vitest';
import { outcomeOf } from './errors.ts';

const outcome = (status: number, text = '', retryAfterMs: number | null = null): object =>
  outcomeOf('https://push.test', { kind: 'response', status, retryAfterMs, text });

test.each([
  [200, 'accepted'],
  [201, 'accepted'],
  [202, 'accepted'],
  [299, 'accepted'],
  [301, 'rejected'],
  [307, 'rejected'],
  [400, 'rejected'],
  [401, 'rejected'],
  [403, 'rejected'],
  [404, 'gone'],
  [405, 'rejected'],
  [410, 'gone'],
  [413, 'rejected'],
  [429, 'throttled'],
  [500, 'failed'],
  [503, 'failed'],
  [599, 'failed'],
])('%i: %s', (status, kind) => {
  expect(outcome(status)).toMatchObject({ kind });
});

test('Retry-After goes with what will be tried again', () => {
  expect(outcome(429, '', 5000)).toMatchObject({ retryAfterMs: 5000 });
  expect(outcome(503, '', 7000)).toMatchObject({ retryAfterMs: 7000 });
  expect(outcome(503)).toMatchObject({ retryAfterMs: null });
});

test.each([
  ['https://db5p.notify.windows.com', 'throttled'],
  ['https://push.test', 'rejected'],
  ['https://notify.windows.com.push.test', 'rejected'],
])('406 of %s: %s', (origin, kind) => {
  expect(outcomeOf(origin, { kind: 'response', status: 406, retryAfterMs: null, text: '' })).toMatchObject({ kind });
});

test('the reason tells origin, status and first words', () => {
  expect(outcome(403, '<html><b>VAPID</b>\n\u0000key  mismatch</html>')).toEqual({
    kind: 'rejected',
    reason: 'https://push.test answered 403: VAPID key mismatch',
  });
  expect(outcome(400, 'x'.repeat(1000))).toMatchObject({
    reason: `https://push.test answered 400: ${'x'.repeat(200)}`,
  });
  expect(outcome(410)).toEqual({ kind: 'gone', reason: 'https://push.test answered 410' });
});

test.each([
  ['refused', 'rejected'],
  ['timeout', 'failed'],
  ['connection', 'failed'],
] as const)('no answer, %s: %s', (reason, kind) => {
  expect(outcomeOf('https://push.test', { kind: 'error', reason, message: 'words' })).toMatchObject({
    kind,
    reason: 'https://push.test: words',
  });
});
