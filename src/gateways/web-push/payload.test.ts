import { expect, test } from 'vitest';
import type { WebContent } from '../../core/ports/gateway.ts';
import { encodePayload } from './payload.ts';

const encoded = (content: Pick<WebContent, 'notification' | 'data'>): unknown =>
  JSON.parse(
    encodePayload({
      instanceId: 'i',
      publishId: 'p',
      vapid: { publicKey: new Uint8Array(), privateKey: new Uint8Array() },
      timeToLiveSeconds: 60,
      content: { timeToLiveSeconds: 60, ...content },
    }).toString(),
  );

const ids = { instanceId: 'i', publishId: 'pubid-p' };

test.each([
  [{ title: 'T' }, {}, true, false],
  [{ body: 'B' }, { a: 1 }, true, true],
  [{ title: '', icon: 'https://example.com/i.png' }, { a: null }, false, true],
  [{}, {}, false, false],
])('%j with %j', (notification, data, hasDisplayableContent, hasData) => {
  expect(encoded({ notification, data })).toEqual({
    notification,
    data: { ...data, pusher: { ...ids, hasDisplayableContent, hasData } },
  });
});
