import { expect, test } from 'vitest';
import type { Webhook } from '../instances/instance.ts';
import type { HttpOutcome } from '../ports/http-client.ts';
import { mayDisable } from './attempt-message.ts';

const webhook = { instanceId: 'i', id: 'w', url: 'https://shop.example/hook', disabledAt: null } as Webhook;
const answered = (status: number): HttpOutcome => ({
  ...{ kind: 'response', status, retryAfterMs: null, headers: {}, body: '', durationMs: 1, address: null },
});

test.each([
  [410, webhook, true],
  [410, { ...webhook }, true],
  [410, { ...webhook, url: 'https://shop.example/new' }, false],
  [410, { ...webhook, disabledAt: 1 }, false],
  [410, null, false],
  [500, { ...webhook, url: 'https://shop.example/new' }, true],
])('what was answered %i by a webhook that has become %j', async (status, now, expected) => {
  expect(await mayDisable({ instances: { findWebhook: async () => now } }, webhook, answered(status))).toBe(expected);
});

test('what was sent is recorded, also when the webhook cannot be read just then', async () => {
  const findWebhook = () => Promise.reject(new Error('the store is gone'));
  expect(await mayDisable({ instances: { findWebhook } }, webhook, answered(410))).toBe(false);
});
