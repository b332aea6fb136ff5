import { expect, test } from 'vitest';
import type { WebContent } from '../../core/ports/gateway.ts';
import { encodePayload } from './payload.ts';

const encoded = (content: Pick<WebContent, 'notification' | 'data'>): unknown =>
  JSON.parse(
    encodePayload({
      instanceId: 'i',
      publishId: 'p',
      timeToLiveSeconds: 60,
      sender: { vapid: { publicKey: new Uint8Array(), privateKey: new Uint8Array() }, relayedEvents },
      content: { timeToLiveSeconds: 60, ...content },
    }).toString(),
  );

const relayedEvents = ['notification.clicked'] as const;
const ids = { instanceId: 'i', publishId: 'pubid-p' };

test.each([
  [{ title: 'T' }, {}, true, false],
  [{ body: 'B' }, { a: 1 }, true, true],
  [{ title: '', icon: 'https://example.com/i.png' }, { a: null }, false, true],
  [{}, {}, false, false],
])('%j with %j', (notification, data, hasDisplayableContent, hasData) => {
  expect(encoded({ notification, data })).toEqual({
    notification,
    data: { ...data, pusher: { ...ids, hasDisplayableContent, hasData, relayedEvents } },
  });
});

test('a list that does not fit into the push is left out', () => {
  const fits = encoded({ notification: { body: 'x'.repeat(3_800) }, data: {} });
  const full = encoded({ notification: { body: 'x'.repeat(3_860) }, data: {} });
  expect(fits).toMatchObject({ data: { pusher: { relayedEvents } } });
  expect(full).toMatchObject({ data: { pusher: ids } });
  expect(full).not.toHaveProperty('data.pusher.relayedEvents');
});
