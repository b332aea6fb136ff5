import { randomUUID } from 'node:crypto';
import type { DeviceKey } from '../src/core/ports/device-store.ts';
import { openPostgresStore } from '../src/storage/postgres/open-postgres-store.ts';
import { uuidV7 } from '../src/protocol/uuid-v7.ts';
import { withClient } from '../test/support/postgres-client.ts';
import type { FilledStore } from './cost-per-item.ts';
import { addMessages } from './waiting-messages.ts';
import { testSealer } from '../src/storage/testsuite/test-sealer.ts';

/** Of now; the n-th. */
const v7 = (n: string): string =>
  `(lpad(to_hex(${Date.now()}), 12, '0') || '7' || lpad(to_hex(${n} >> 16 & 4095), 3, '0') || '8'
    || lpad(to_hex(${n} & 65535), 4, '0') || lpad(to_hex(${n} * 7919), 11, '0'))::uuid`;

/** Devices as registering makes them, by SQL: a million takes half a minute. Each has one of three interests, and `all`. */
export async function fillDevices(url: string, instanceId: string, count: number): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(`
      SET synchronous_commit = off;
      INSERT INTO devices (instance_id, platform, id, address, address_hash, keys, metadata, created_at, registered_at)
      SELECT '${instanceId}', 'web', ${v7('n')}, address, hashtextextended(address, 0) & 281474976710655,
        sha256(n::text::bytea) || sha256(address::bytea) || '\\\\x0102030405060708090a0b0c0d0e0f1011', '{"sdkVersion":"2.1.0"}', 1, 1
      FROM (SELECT n::bigint, 'https://updates.push.services.mozilla.com/wpush/v2/' || gen_random_uuid() AS address
        FROM generate_series(1, ${count}) AS n) AS d;
      INSERT INTO device_interests (instance_id, interest, device_number)
      SELECT instance_id, name, number FROM devices CROSS JOIN LATERAL (VALUES ('all'), ((ARRAY['red', 'green', 'blue'])[number % 3 + 1])) AS i (name)
      WHERE instance_id = '${instanceId}';
      INSERT INTO device_counts (instance_id, living) VALUES ('${instanceId}', ${count})`);
  });
}

/** A database with so many devices, each of which has reported a publish, and as many messages of that which wait for a webhook. */
export async function fillDatabase(url: string, count: number): Promise<FilledStore> {
  const store = await openPostgresStore({ sealer: testSealer, url });
  const instanceId = randomUUID();
  await fillDevices(url, instanceId, count);
  const webhookId = await addMessages(store, instanceId, []);
  const devices = await withClient(url, async (client) => {
    const day = `(SELECT floor(extract(epoch FROM now()) / 86400)::bigint)`;
    await client.query(`
      SET synchronous_commit = off;
      INSERT INTO reports (instance_id, day, publish_id, device_number, kind, action, happened_at, received_at, event_id)
      SELECT instance_id, ${day}, '${uuidV7()}', number, 'displayed', '', 1, 1, id FROM devices;
      INSERT INTO messages (instance_id, day, id, target, event_type, event_id, event_at, publish_id, device_number, state, attempts)
      SELECT instance_id, ${day}, ${v7('number')}, '${webhookId}', 'v1.NotificationDisplayed', id, 1, (SELECT id FROM publishes LIMIT 1),
        number, 'waiting', 0
      FROM devices;
      INSERT INTO message_queue (instance_id, target, day, message_id, due_at, tries)
      SELECT instance_id, target, day, id, pharos_now(), 0 FROM messages`);
    await client.query('VACUUM ANALYZE');
    const { rows } = await client.query<{ id: string }>('SELECT id FROM devices ORDER BY number');
    return rows.map(({ id }): DeviceKey => ({ instanceId, platform: 'web', deviceId: id }));
  });
  return { store, instanceId, devices, webhookId };
}
