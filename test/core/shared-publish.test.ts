import { expect, onTestFinished, test } from 'vitest';
import pg from 'pg';
import type { DeliveryOutcome } from '../../src/core/ports/gateway.ts';
import { openPostgresStore } from '../../src/storage/postgres/open-postgres-store.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { waitFor } from '../support/wait-for.ts';
import { openPublishingWorld } from './publishing-world.ts';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';

const waitMs = 60_000;
/** Numbers that are walked through; only some of them have a browser, so that sending does not take long. */
const numbers = 16_000;
const browserEvery = 40;
const addressOf = (index: number) => `https://push.example/${index}`;

/** Devices by the thousand, quicker than by registering them. */
async function insertDevices(url: string, instanceId: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `INSERT INTO devices
       (instance_id, platform, id, address, address_hash, keys, metadata, created_at, registered_at)
     SELECT $1, CASE WHEN n % $3 = 0 THEN 'web' ELSE 'fcm' END, gen_random_uuid(), $4 || n, n, '', '{}', 1, 1
     FROM generate_series(1, $2) AS n`,
    [instanceId, numbers, browserEvery, addressOf(0).slice(0, -1)],
  );
  await client.end();
}

test('nodes share a large publish, and a small one does not wait for it', { timeout: 3 * waitMs }, async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  let goOn = (_outcome: DeliveryOutcome): void => {};
  const whenBothWork = new Promise<DeliveryOutcome>((resolve) => void (goOn = resolve));
  // Where the first node comes after its first turn, it is held up until the second one takes part.
  const later = Array.from({ length: numbers }, (_, index) => addressOf(index)).slice(4_000);
  const answers = Object.fromEntries(later.map((address) => [address, [whenBothWork]]));
  const openNode = async (given: { instanceId?: string; answers?: typeof answers }) => {
    const node = await openPublishingWorld({
      ...given,
      store: await openPostgresStore({ sealer: testSealer, url: database.url }),
    });
    onTestFinished(() => node.stop());
    return node;
  };
  const first = await openNode({ answers });
  const second = await openNode({ instanceId: first.instanceId });
  await first.register(addressOf(0), { interests: ['one'] });
  await insertDevices(database.url, first.instanceId);

  const large = await first.publish({ kind: 'everyone' });
  await waitFor(
    'the first node to be held up',
    () => first.attempts.some((address) => later.includes(address)),
    waitMs,
  );
  const small = await first.publish({ kind: 'interests', interests: ['one'] });
  await first.waitUntilFinished(small, waitMs);
  expect((await first.summarize(large)).finishedAt).toBeNull();
  await waitFor(
    'the second node to take part',
    () => {
      second.fanOut.wake();
      return second.attempts.length > 0;
    },
    waitMs,
  );
  goOn({ kind: 'accepted' });
  const summary = await first.waitUntilFinished(large, waitMs);
  const audience = numbers / browserEvery + 1;
  expect(summary.counts).toEqual({ web: expect.objectContaining({ accepted: audience }) });
  const attempts = [...first.attempts, ...second.attempts];
  expect(attempts).toHaveLength(audience + 1);
  expect(new Set(attempts).size).toBe(audience);
});
