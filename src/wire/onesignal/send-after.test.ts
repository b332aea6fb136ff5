import { expect, test } from 'vitest';
import { parseSendAfter } from './send-after.ts';

const now = Date.parse('2030-09-20T00:00:00Z');
const at = Date.parse('2030-09-24T21:00:00Z');

test.each([
  '2030-09-24 14:00:00 GMT-0700',
  '2030-09-24 14:00:00 UTC-0700',
  '2030-09-24 14:00:00 -07:00',
  '2030-09-24T14:00:00-07:00',
  '2030-09-24T21:00:00.000Z',
  'Tue Sep 24 2030 14:00:00 GMT-0700 (Pacific Daylight Time)',
  'Tue, 24 Sep 2030 21:00:00 GMT',
  '2030-09-24 9:00 PM UTC',
])('%s is one moment', (text) => {
  expect(parseSendAfter(text, now)).toEqual({ sendAfter: at });
});

test.each(['2030-09-24 14:00:00', '2030-09-24T14:00:00', '2030-09-24', '24-09-2030', 'tomorrow', ''])(
  '%s could be any of 24 hours',
  (text) => {
    expect(parseSendAfter(text, now)).toEqual({ mistake: expect.stringContaining('offset from UTC') });
  },
);

test('no text of any length keeps others waiting', () => {
  for (const text of [
    `1:00${' '.repeat(200_000)}x`,
    `${'1:00'.repeat(50_000)} `,
    `2030-09-24T21:00:00Z${' ('.repeat(100_000)}`,
  ]) {
    expect(parseSendAfter(text, now)).toEqual({ mistake: expect.stringContaining('at most 100 characters') });
  }
});

test('what is over is sent at once, and nothing waits longer than 30 days', () => {
  expect(parseSendAfter('2030-09-19T00:00:00Z', now)).toEqual({ sendAfter: undefined });
  expect(parseSendAfter('2030-10-20T00:00:01Z', now)).toEqual({ mistake: 'send_after can be at most 30 days ahead' });
  expect(parseSendAfter('2030-99-99T00:00:00Z', now)).toEqual({ mistake: expect.stringContaining('not a date') });
});
