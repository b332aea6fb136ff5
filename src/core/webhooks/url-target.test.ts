import { expect, test } from 'vitest';
import { webhookIdOf } from '../ports/message-store.ts';
import { urlTarget } from './url-target.ts';

test('webhookUrls of one origin are one target, others are others, and no host can be read from it', () => {
  const of = (url: string): string => urlTarget(url, 'secret key');
  const shop = of('https://shop.example/a');
  expect(shop).toMatch(/^url:[\w-]{22}$/);
  expect(webhookIdOf(shop)).toBeNull();
  for (const same of ['https://shop.example:443/b?c', 'https://user:password@SHOP.example#d'])
    expect(of(same)).toBe(shop);
  const others = ['http://shop.example/a', 'https://shop.example:8443/a', 'https://www.shop.example/a'].map(of);
  expect(new Set([shop, ...others, urlTarget('https://shop.example/a', 'another key')]).size).toBe(5);
});
