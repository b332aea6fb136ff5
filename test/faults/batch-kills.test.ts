import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import { checkBatches, createBatchingBackend } from './batching-backend.ts';
import { viewDatabase } from './database-view.ts';
import { chosenBy, readSeed } from './seeded.ts';

const kills = 3;
const maxEvents = 10;
/** Requests of one webhook that may be in flight when the server dies. */
const maxInFlight = 4;

test('batches survive kills: no event is lost, and a batch that is sent again is the same', async () => {
  const seed = readSeed();
  console.log(`FAULT_SEED=${seed}`);
  const authority = createTestAuthority();
  const backend = createBatchingBackend(seed);
  const front = await startTlsFront(authority, { [backend.host]: backend.handler }, { http2: false });
  onTestFinished(() => front.close());
  const pharos = await startPharosProcess({
    authority,
    fronts: [front],
    settings: { PHAROS_PUBLISHES_PER_SECOND: '1000000' },
    webhookRetryDelaysMs: [100, 100, 100, 100, 100, 100, 100, 100],
  });
  onTestFinished(() => pharos.remove());
  const instance = await pharos.admin('POST', '/instances', { name: 'batches' });
  const { id, secretKey } = instance as Record<'id' | 'secretKey', string>;
  await pharos.admin('POST', `/instances/${id}/webhooks`, {
    url: `https://${backend.host}/`,
    events: ['v1.PublishToUsersAttempt'],
    options: { batch: { maxEvents, maxWaitMs: 50 }, maxInFlight },
  });

  const promised: string[] = [];
  const stopping = new AbortController();
  /** To somebody who has no device: one event at once. */
  const publish = async (): Promise<void> => {
    try {
      const response = await fetch(`${pharos.origin}/publish_api/v1/instances/${id}/publishes/users`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${secretKey}` },
        body: JSON.stringify({ users: ['nobody'], web: { notification: { title: 'hello' } } }),
      });
      const { publishId } = (await response.json()) as { readonly publishId?: string };
      if (publishId !== undefined) promised.push(publishId);
    } catch {
      await delay(20); // killed, and not up again yet
    }
  };
  const traffic = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!stopping.signal.aborted) await publish();
    }),
  );
  for (let kill = 1; kill <= kills; kill++) {
    const before = promised.length;
    await waitFor('some publishes', () => promised.length > before + 30, 60_000);
    await delay(chosenBy(200, seed, 'kill', kill));
    await pharos.kill();
    front.dropConnections();
    await pharos.start();
  }
  stopping.abort();
  await traffic;

  const database = await viewDatabase(pharos);
  onTestFinished(() => database.close());
  const count = async (what: string): Promise<number> =>
    Number((await database.all(`SELECT count(*) AS count FROM ${what}`))[0]?.['count']);
  await waitFor('all to be delivered', async () => (await count(`messages WHERE state = 'waiting'`)) === 0, 120_000);
  expect(checkBatches(backend, promised, kills * maxInFlight)).toEqual([]);
  const sizes = backend.requests.map(({ publishIds }) => publishIds.length);
  expect(Math.max(...sizes)).toBeGreaterThan(1);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(maxEvents);
  expect(backend.requests.some(({ status }) => status === 500)).toBe(true);
  // One attempt for all that were in it.
  expect(await count('attempts')).toBeLessThanOrEqual(backend.requests.length);
}, 240_000);
