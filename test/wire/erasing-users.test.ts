import { expect, onTestFinished, test } from 'vitest';
import { runOne } from '../../src/core/ports/command.ts';
import { buildRequest } from '../../src/core/webhooks/build-request.ts';
import { publishBodyPlace } from '../../src/core/ports/publish-store.ts';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';
import { openTestStore } from '../support/test-store.ts';
import { openWorld } from './beams-world.ts';

test('names of users come back in publish webhooks as requested, are not stored with them, and go when erased', async () => {
  const store = await openTestStore();
  onTestFinished(() => store.close());
  const { app, values, logged } = await openWorld(store);
  onTestFinished(() => app.close());
  const { instance: instanceId = '', secretKey = '' } = values;
  const headers = { authorization: `Bearer ${secretKey}` };
  const request = {
    users: ['zoe@site.example', 'anna@site.example', 'mia@site.example'],
    webhookUrl: 'https://shop.example/hook',
    web: { notification: { title: 'hello' } },
  };
  const url = `/publish_api/v1/instances/${instanceId}/publishes/users`;
  const answer = await app.inject({ method: 'POST', url, headers, payload: request });
  const { publishId } = answer.json<{ publishId: string }>();

  const publish = { instanceId, publishId: publishId.slice('pubid-'.length) };
  const summary = await store.summarizePublish(publish);
  const stored = testSealer.open(publishBodyPlace(publish), summary?.body ?? new Uint8Array()).toString();
  expect(stored).toContain('hello');
  expect(stored).not.toContain('@site.example');

  const targets = (await store.listTurns(10)).map((target) => ({ ...target, room: 10, restMs: 0 }));
  const [started] = await runOne(store.claimMessages, { limit: 10, leaseMs: 60_000, targets });
  if (!started) throw new Error('there is no message');
  const instances = { findWebhook: async () => null };
  const requestBody = async () => {
    const built = await buildRequest({ store, instances, sealer: testSealer, clock: Date.now }, started);
    if (typeof built === 'string') throw new Error(built);
    return (JSON.parse(built.body) as { requestBody: object }).requestBody;
  };
  expect(JSON.stringify(await requestBody())).toBe(JSON.stringify(request));

  const user = `/customer_api/v1/instances/${instanceId}/users/${encodeURIComponent('anna@site.example')}`;
  expect((await app.inject({ method: 'DELETE', url: user, headers })).statusCode).toBe(200);
  expect(await requestBody()).toEqual({ ...request, users: ['zoe@site.example', 'mia@site.example'] });
  expect(logged.join('\n')).toContain('user.erased');
  expect(logged.join('\n')).not.toContain('@site.example');
});
