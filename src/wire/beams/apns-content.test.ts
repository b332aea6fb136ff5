import { expect, test } from 'vitest';
import { apnsContent } from './apns-content.ts';

const now = 1_700_000_000_000;
const schema = apnsContent(() => now);

test.each<[string, object, object]>([
  [
    'a payload as it is',
    { aps: { alert: 'Hi' }, data: { a: 1 }, own: [1] },
    { payload: { aps: { alert: 'Hi' }, data: { a: 1 }, own: [1] } },
  ],
  [
    'what is shown without `aps` around it',
    { alert: { title: 'T' }, badge: 2, own: 1 },
    { payload: { aps: { alert: { title: 'T' }, badge: 2 }, own: 1 } },
  ],
  ['headers', { aps: {}, collapse_id: 'c', priority: 5 }, { payload: { aps: {} }, collapseId: 'c', priority: 5 }],
  [
    'an expiration',
    { aps: {}, expiration: now / 1000 + 60 },
    { timeToLiveSeconds: 60, expiresAtSeconds: now / 1000 + 60 },
  ],
  [
    'an expiration that is over',
    { aps: {}, expiration: now / 1000 - 60 },
    { timeToLiveSeconds: 0, expiresAtSeconds: now / 1000 - 60 },
  ],
  ['now or never', { aps: {}, expiration: 0 }, { timeToLiveSeconds: 0 }],
  [
    'no tracking',
    { aps: {}, pusher: { disable_delivery_tracking: true } },
    { payload: { aps: {} }, tracksDelivery: false },
  ],
])('%s', (_, published, content) => {
  expect(schema.parse(published)).toEqual({
    timeToLiveSeconds: 2_419_200,
    tracksDelivery: true,
    payload: { aps: {} },
    ...content,
  });
});

test('four weeks and tracking, when nothing is said', () => {
  const content = schema.parse({ aps: {} });
  expect(content).toEqual({ timeToLiveSeconds: 2_419_200, payload: { aps: {} }, tracksDelivery: true });
});

test.each<[object, string]>([
  [{ aps: [] }, 'aps'],
  [{ aps: {}, data: { pusher: {} } }, 'data'],
  [{ aps: {}, data: 'x' }, 'data'],
  [{ aps: {}, priority: 7 }, 'priority'],
  [{ aps: {}, collapse_id: 'x'.repeat(65) }, 'collapse_id'],
  ...['', ' a', 'a ', 'a\r\nb: c', 'ä', '\0'].map((id): [object, string] => [
    { aps: {}, collapse_id: id },
    'collapse_id',
  ]),
  [{ aps: {}, expiration: 1.5 }, 'expiration'],
  [{ aps: {}, pusher: { disable_delivery_tracking: 'yes' } }, 'pusher.disable_delivery_tracking'],
])('%j is refused, and named', (published, field) => {
  const { error } = schema.safeParse(published);
  expect(error?.issues[0]?.path.join('.')).toBe(field);
  expect(error?.issues[0]?.message).toMatch(/^expected/);
});
