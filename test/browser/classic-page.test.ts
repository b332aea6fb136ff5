import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import blocks from './classic-blocks.json' with { type: 'json' };
import { documentedBody } from './classic-page.ts';

const original = new URL('../../../shared/seeds/004_4ea9a8d313633b64.txt', import.meta.url);

test.skipIf(!existsSync(original))('the documented blocks are those of the original page', () => {
  const found = readFileSync(original, 'utf8').matchAll(/\[block:code\]\n(.*?)\n\[\/block\]/gs);
  expect(blocks).toEqual([...found].map(([, block = '']) => JSON.parse(block) as unknown));
});

test('"each request is formatted identically"', () => {
  expect(JSON.stringify(documentedBody(true))).toBe(JSON.stringify(documentedBody(false)));
});
