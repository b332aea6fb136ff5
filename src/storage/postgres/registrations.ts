import type { DeviceCommands, DeviceRegistration, RegisterDevice } from '../../core/ports/device-store.ts';
import { addressHash } from '../rows/address-hash.ts';
import type { Sql } from './database.ts';
import type { CommandHandlers } from './handlers.ts';
import { batch, each } from './handlers.ts';
import { lockDevice } from './living-device.ts';
import { tombstone } from './tombstone.ts';

/** All registrations of a transaction at one address: it has one device. */
interface AtAddress {
  readonly hash: number;
  readonly first: RegisterDevice;
  readonly firstIndex: number;
  /** What it says about the device is what stays. */
  last: RegisterDevice;
}

type Place = Pick<AtAddress, 'hash'> & { readonly first: Pick<RegisterDevice, 'instanceId' | 'platform' | 'address'> };

interface Known {
  readonly number: number;
  readonly id: string;
}

const addressOf = (device: Place['first']): string => `${device.instanceId} ${device.platform} ${device.address}`;

// In one order on all nodes. `OFFSET 0`: address by address.
const findByAddress = `
  SELECT d.*
  FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[])
      AS a (hash, instance_id, platform, address) ORDER BY hash) a
    CROSS JOIN LATERAL (
      SELECT number, id, instance_id, platform, address FROM devices
      WHERE address_hash = a.hash AND gone_at IS NULL
        AND instance_id = a.instance_id AND platform = a.platform AND address = a.address
      OFFSET 0 FOR NO KEY UPDATE
    ) d`;

/** Devices at these addresses; their rows are locked. */
async function lockAtAddresses(sql: Sql, asked: readonly Place[]): Promise<Map<string, Known>> {
  if (asked.length === 0) return new Map();
  const rows = await sql.all<Known & { instance_id: string; platform: RegisterDevice['platform']; address: string }>(
    findByAddress,
    [
      asked.map(({ hash }) => hash),
      asked.map(({ first }) => first.instanceId),
      asked.map(({ first }) => first.platform),
      asked.map(({ first }) => first.address),
    ],
  );
  return new Map(rows.map(({ instance_id: instanceId, ...row }) => [addressOf({ instanceId, ...row }), row]));
}

const makeCounts = `INSERT INTO device_counts (instance_id, living) SELECT unnest($1::uuid[]), 0
  ON CONFLICT (instance_id) DO NOTHING`;
const lockCounts = `SELECT instance_id, living FROM device_counts WHERE instance_id = ANY($1::uuid[])
  ORDER BY instance_id FOR NO KEY UPDATE`;

/**
 * Living devices of the instances. Until the transaction ends, nobody else gives an address of theirs to a device: who looks
 * after this whether an address is free can rely on it.
 */
async function lockAddresses(sql: Sql, instanceIds: readonly string[]): Promise<Map<string, number>> {
  const instances = [...new Set(instanceIds)].sort();
  const lock = () => sql.all<{ instance_id: string; living: number }>(lockCounts, [instances]);
  let rows = await lock();
  if (rows.length < instances.length) {
    await sql.run(makeCounts, [instances]);
    rows = await lock();
  }
  return new Map(rows.map((row) => [row.instance_id, row.living]));
}

const updateKnown = `
  UPDATE devices d SET keys = r.keys, metadata = r.metadata, bundle_identifier = r.bundle_identifier,
    registered_at = pharos_now()
  FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[]) AS r (number, keys, metadata, bundle_identifier)
  WHERE d.number = r.number`;

async function update(sql: Sql, known: readonly (AtAddress & Known)[]): Promise<void> {
  if (known.length === 0) return;
  await sql.run(updateKnown, [
    known.map(({ number }) => number),
    known.map(({ last }) => last.keys),
    known.map(({ last }) => last.metadata),
    known.map(({ last }) => last.bundleIdentifier ?? null),
  ]);
}

const insertDevices = `
  INSERT INTO devices (instance_id, platform, id, address, address_hash, keys, metadata, bundle_identifier, created_at,
    registered_at)
  SELECT r.*, pharos_now(), pharos_now()
  FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::bytea[], $7::text[], $8::text[]) AS r`;
const countMore = `
  UPDATE device_counts c SET living = c.living + m.added FROM unnest($1::uuid[], $2::bigint[]) AS m (instance_id, added)
  WHERE c.instance_id = m.instance_id`;

async function insert(sql: Sql, added: readonly AtAddress[]): Promise<void> {
  if (added.length === 0) return;
  await sql.run(insertDevices, [
    added.map(({ first }) => first.instanceId),
    added.map(({ first }) => first.platform),
    added.map(({ first }) => first.deviceId),
    added.map(({ first }) => first.address),
    added.map(({ hash }) => hash),
    added.map(({ last }) => last.keys),
    added.map(({ last }) => last.metadata),
    added.map(({ last }) => last.bundleIdentifier ?? null),
  ]);
  const counts = Map.groupBy(added, ({ first }) => first.instanceId);
  await sql.run(countMore, [[...counts.keys()], [...counts.values()].map(({ length }) => length)]);
}

/** Inserts devices at free addresses, as many as there is room for; answers those that are there already. */
async function insertMissing(
  sql: Sql,
  missing: readonly AtAddress[],
): Promise<{ readonly known: Map<string, Known>; readonly inserted: Set<AtAddress> }> {
  if (missing.length === 0) return { known: new Map(), inserted: new Set() };
  const living = await lockAddresses(
    sql,
    missing.map(({ first }) => first.instanceId),
  );
  // Another node may have inserted some of them before it let go of the lock.
  const known = await lockAtAddresses(sql, missing);
  const inserted = new Set<AtAddress>();
  for (const entry of missing) {
    const { instanceId, maxDevices } = entry.first;
    const count = living.get(instanceId) ?? 0;
    if (known.has(addressOf(entry.first)) || (maxDevices !== undefined && count >= maxDevices)) continue;
    inserted.add(entry);
    living.set(instanceId, count + 1);
  }
  await insert(sql, [...inserted]);
  return { known, inserted };
}

const listInterests = `
  SELECT i.device_number, i.interest
  FROM unnest($1::uuid[], $2::bigint[]) AS d (instance_id, number)
    JOIN device_interests i ON i.instance_id = d.instance_id AND i.device_number = d.number
  ORDER BY i.interest`;

async function registerAll(sql: Sql, items: readonly RegisterDevice[]): Promise<readonly DeviceRegistration[]> {
  const asked = new Map<string, AtAddress>();
  for (const [firstIndex, item] of items.entries()) {
    const address = addressOf(item);
    const entry = asked.get(address);
    if (entry) entry.last = item;
    else asked.set(address, { hash: addressHash(item), first: item, firstIndex, last: item });
  }
  // Rows of devices are locked before those of counts, as tombstones do it.
  const found = await lockAtAddresses(sql, [...asked.values()]);
  const missing = [...asked].filter(([address]) => !found.has(address)).map(([, entry]) => entry);
  const { known: late, inserted } = await insertMissing(sql, missing);
  const known = [...asked].flatMap(([address, entry]) => {
    const device = found.get(address) ?? late.get(address);
    return device ? { ...entry, ...device } : [];
  });
  await update(sql, known);
  const interests = Map.groupBy(
    known.length === 0
      ? []
      : await sql.all<{ device_number: number; interest: string }>(listInterests, [
          known.map(({ first }) => first.instanceId),
          known.map(({ number }) => number),
        ]),
    (row) => row.device_number,
  );
  return items.map((item, index) => {
    const address = addressOf(item);
    const entry = asked.get(address);
    const device = found.get(address) ?? late.get(address);
    if (device) {
      const ofDevice = interests.get(device.number)?.map(({ interest }) => interest) ?? [];
      return { kind: 'registered', deviceId: device.id, created: false, interests: ofDevice };
    }
    if (!entry || !inserted.has(entry)) return { kind: 'too-many-devices' };
    return { kind: 'registered', deviceId: entry.first.deviceId, created: index === entry.firstIndex, interests: [] };
  });
}

const updateAddress = `
  UPDATE devices SET address = $1, address_hash = $2, keys = coalesce($3, keys), registered_at = pharos_now()
  WHERE number = $4`;

/** How devices come to their addresses. */
export const registrationCommands: CommandHandlers<Pick<DeviceCommands, 'registerDevices' | 'updateDeviceAddresses'>> =
  {
    registerDevices: batch(registerAll),
    updateDeviceAddresses: each(async (sql, { address, keys, ...key }) => {
      const device = await lockDevice(sql, key);
      if (!device) return 'unknown-device';
      const { instanceId, platform } = key;
      const hash = addressHash({ instanceId, platform, address });
      await lockAddresses(sql, [instanceId]);
      const there = await lockAtAddresses(sql, [{ hash, first: { instanceId, platform, address } }]);
      for (const { number } of there.values()) {
        if (number !== device.number) await tombstone(sql, instanceId, number, 'replaced');
      }
      await sql.run(updateAddress, [address, hash, keys ?? null, device.number]);
      return 'updated';
    }),
  };
