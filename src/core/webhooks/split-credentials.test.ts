import { expect, test } from 'vitest';
import { splitCredentials } from './split-credentials.ts';

const split = (target: string) => {
  const { url, authorization } = splitCredentials(new URL(target));
  return [url.href, authorization && Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString()];
};

test.each([
  ['https://site.example/hook?a=b', 'https://site.example/hook?a=b', null],
  ['https://username:password@site.example/hook', 'https://site.example/hook', 'username:password'],
  ['https://only-user@site.example/', 'https://site.example/', 'only-user:'],
  ['https://:only-password@site.example/', 'https://site.example/', ':only-password'],
  ['https://us%65r:p%40ss%3A%C3%A9@site.example/', 'https://site.example/', 'user:p@ss:é'],
  ['https://user:100%@site.example/', 'https://site.example/', 'user:100%'],
])('%s', (target, url, credentials) => {
  expect(split(target)).toEqual([url, credentials]);
});
