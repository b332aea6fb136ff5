import { expect, test } from 'vitest';
import { hashRequest, showRequest } from './shown-request.ts';

const request = {
  url: new URL('https://shop.example/hook?v=1'),
  headers: {
    'X-Api-Key': 'secret',
    'Content-Type': 'application/json',
    Authorization: 'Basic c2VjcmV0',
    'Webhook-Timestamp': '1700000000',
    'Webhook-Signature': 'v1,abc',
  },
  fixedHeaders: {},
  body: '{}',
};

test('credentials and signatures are not shown', () => {
  expect(showRequest(request)).toEqual({
    url: 'https://shop.example/hook?v=1',
    headers: {
      'x-api-key': '***',
      'content-type': 'application/json',
      authorization: '***',
      'webhook-timestamp': '(seconds at the attempt)',
      'webhook-signature': '***',
    },
    body: '{}',
  });
});

test('the hash is that of what is shown: the same on every attempt, another when anything is', () => {
  const hash = (change: Partial<typeof request>) => hashRequest({ ...request, fixedHeaders: {}, ...change });
  const later = { ...request.headers, 'Webhook-Timestamp': '1700000060', 'Webhook-Signature': 'v1,def' };
  const [first] = Object.entries(request.headers);
  // As attempts have it that were stored by earlier versions.
  expect(hash({})).toBe('3c4ec74f4bc5329814230a1393704dc8');
  expect(hash({ headers: later })).toBe(hash({}));
  expect(hash({ headers: Object.fromEntries(Object.entries(request.headers).toReversed()) as typeof later })).toBe(
    hash({}),
  );
  expect(hash({ body: '{"a":1}' })).not.toBe(hash({}));
  expect(hash({ url: new URL('https://shop.example/hook') })).not.toBe(hash({}));
  expect(hash({ headers: Object.fromEntries([first ?? ['', '']]) as typeof later })).not.toBe(hash({}));
});

test('the hash does not depend on which headers are known to be the same for all', () => {
  const fixedHeaders = { 'X-Api-Key': 'secret', 'Content-Type': 'application/json', 'Webhook-ID-UUID': 'w' };
  const of = (id: string) => ({ ...fixedHeaders, 'webhook-id': id, 'Webhook-Timestamp': '1', 'Webhook-Signature': id });
  for (const id of ['first', 'second']) {
    const one = { ...request, headers: of(id), fixedHeaders };
    expect(hashRequest(one)).toBe(hashRequest({ ...one, fixedHeaders: {} }));
  }
});
