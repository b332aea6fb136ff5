import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import blocks from './classic-blocks.json' with { type: 'json' };
import { documentedBody } from './classic-page.ts';
import { pageFile, workerFile } from './stand-in-server.ts';

const original = new URL('../../../shared/seeds/004_4ea9a8d313633b64.txt', import.meta.url);

test.skipIf(!existsSync(original))('the documented blocks are those of the original page', () => {
  const found = readFileSync(original, 'utf8').matchAll(/\[block:code\]\n(.*?)\n\[\/block\]/gs);
  expect(blocks).toEqual([...found].map(([, block = '']) => JSON.parse(block) as unknown));
});

test('"each request is formatted identically"', () => {
  expect(JSON.stringify(documentedBody(true))).toBe(JSON.stringify(documentedBody(false)));
});

test.each([
  { script: pageFile, maxKiB: 12 },
  { script: workerFile, maxKiB: 8 },
])('$script is small, and makes no code of texts', ({ script, maxKiB }) => {
  const bytes = readFileSync(script);
  expect(gzipSync(bytes).length).toBeLessThanOrEqual(maxKiB * 1024);
  expect(bytes.toString()).not.toMatch(/\beval\b|\bFunction\(|\.innerHTML|document\.write/);
});
