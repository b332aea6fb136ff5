import { expect, onTestFinished, test } from 'vitest';
import { openTestStore } from '../support/test-store.ts';
import { openWorld } from './beams-world.ts';
import { inMemory, overSocket } from './send.ts';

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const ofEveryAnswer = new Set(['date', 'connection', 'keep-alive']);

/** Without a socket there is Fastify only. */
test('plain publishes and reports get over a socket what Fastify answers', async () => {
  const answersOf = async (way: typeof inMemory) => {
    const store = await openTestStore();
    onTestFinished(() => store.close());
    const world = await openWorld(store);
    onTestFinished(() => world.app.close());
    const send = await way(world.app);
    const { instance, guardedInstance, secretKey } = world.values;
    const answers: unknown[] = [];
    const post = async (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const all = { 'content-type': 'application/json', ...headers };
      const answer = await send({ method: 'POST', path, headers: all, body: text });
      const kept = Object.entries(answer.headers).filter(([name]) => !ofEveryAnswer.has(name));
      const shown = answer.body.replaceAll(uuid, 'id');
      answers.push({ path, sent: text, status: answer.status, headers: Object.fromEntries(kept), shown });
    };
    const publishes = `/publish_api/v1/instances/${instance}/publishes`;
    const key = { authorization: `Bearer ${secretKey}` };
    const once = { ...key, 'idempotency-key': 'one' };
    await post(publishes, { interests: ['a'], web: {} }, key);
    await post(`${publishes}/interests`, { interests: ['a'], web: {} }, once);
    await post(`${publishes}/interests`, { interests: ['a'], web: {} }, once);
    await post(`${publishes}/users`, { users: ['anna'], web: {} }, key);
    await post(`${publishes}/users`, { users: ['anna'], web: {} }, { authorization: 'Bearer wrong' });
    await post(`${publishes}/users`, { users: [], web: {} }, key);
    await post(`${publishes}/users`, '{"users":', key);
    await post(`${publishes}/interests`, { interests: ['a'], web: {} }, { ...key, 'idempotency-key': 'ö' });
    const report = { event: 'delivery', publishId: 'pubid', deviceId: 'web', timestampSecs: 1 };
    for (const told of [instance, guardedInstance]) {
      for (const origin of ['https://shop.example', 'https://other.example']) {
        await post(`/reporting_api/v2/instances/${told}/events`, report, { origin });
        await post(`/page_api/v1/instances/${told}/reports`, { ...report, event: 'clicked' }, { origin });
        await post(`/reporting_api/v2/instances/${told}/events`, { ...report, deviceId: 7 }, { origin });
      }
    }
    return { answers, logged: world.logged.map((line) => line.replaceAll(uuid, 'id')) };
  };
  expect(await answersOf(overSocket)).toEqual(await answersOf(inMemory));
});
