import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { RegisterDevice } from '../../core/ports/device-store.ts';
import type { OpenStore } from './fixtures.ts';
import { aDevice, createInstance, register } from './fixtures.ts';

export function devicesSuite(open: OpenStore): void {
  describe('devices', () => {
    test('an address that is known keeps id, user and interests, and takes the new metadata', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const first = aDevice(instanceId, { metadata: '{"sdkVersion":"1"}' });
      expect(await runOne(store.registerDevices, first)).toEqual({
        kind: 'registered',
        deviceId: first.deviceId,
        created: true,
        interests: [],
      });
      const key = { instanceId, platform: first.platform, deviceId: first.deviceId };
      await runOne(store.setDeviceUsers, { ...key, user: 'anna', maxDevices: 1 });
      await runOne(store.replaceInterests, { ...key, interests: ['b', 'a', 'b', 'Z'] });
      const again = { ...first, deviceId: randomUUID(), metadata: '{"sdkVersion":"2"}' };
      expect(await runOne(store.registerDevices, again)).toEqual({
        kind: 'registered',
        deviceId: first.deviceId,
        created: false,
        interests: ['Z', 'a', 'b'],
      });
      expect(await store.findDevice(key)).toEqual({
        deviceId: first.deviceId,
        platform: 'web',
        user: 'anna',
        metadata: '{"sdkVersion":"2"}',
        bundleIdentifier: null,
      });
      expect(await store.findDevice({ ...key, deviceId: again.deviceId })).toBeNull();
    });

    test('an instance has at most so many living devices; known addresses always register', async () => {
      const store = await open();
      const [instanceId, other] = [await createInstance(store), await createInstance(store)];
      const devices = [1, 2, 3].map(() => aDevice(instanceId, { maxDevices: 2 }));
      const results = await store.registerDevices([...devices, aDevice(other, { maxDevices: 2 })]);
      const kinds = results.map((result) => result.ok && result.value.kind);
      expect(kinds).toEqual(['registered', 'registered', 'too-many-devices', 'registered']);
      const [known, , refused] = devices as [RegisterDevice, RegisterDevice, RegisterDevice];
      expect(await runOne(store.registerDevices, known)).toMatchObject({ kind: 'registered', created: false });
      expect(await store.findDevice(refused)).toBeNull();
      expect(await runOne(store.removeDevices, known)).toBe('removed');
      expect(await runOne(store.removeDevices, known)).toBe('unknown-device');
      expect(await runOne(store.registerDevices, refused)).toMatchObject({ kind: 'registered', created: true });
      expect(await runOne(store.registerDevices, { ...known, deviceId: randomUUID() })).toEqual({
        kind: 'too-many-devices',
      });
    });

    test('a device that moved is reached at its new address; one that was there is gone', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const phone = { platform: 'fcm', bundleIdentifier: 'org.example.app' } as const;
      const device = await register(store, instanceId, { ...phone, user: 'anna', interests: ['a'] });
      const there = await register(store, instanceId, { ...phone, user: 'ben', interests: ['a'] });
      const { address } = there;
      expect(await runOne(store.updateDeviceAddresses, { ...device, address })).toBe('updated');
      expect(await runOne(store.updateDeviceAddresses, { ...device, address })).toBe('updated');
      expect(await store.findDevice(there)).toBeNull();
      expect(await store.findDevice(device)).toMatchObject({ user: 'anna', bundleIdentifier: 'org.example.app' });
      const again = { ...aDevice(instanceId, { platform: 'fcm', address }) };
      expect(await runOne(store.registerDevices, again)).toMatchObject({ deviceId: device.deviceId, created: false });
      expect(await runOne(store.registerDevices, { ...again, address: device.address })).toMatchObject({
        created: true,
      });
      expect(await runOne(store.updateDeviceAddresses, { ...there, address: 'new' })).toBe('unknown-device');
    });

    test('the same address is another device on another platform and in another instance', async () => {
      const store = await open();
      const [one, two] = [await createInstance(store), await createInstance(store)];
      const device = aDevice(one);
      for (const change of [{}, { platform: 'fcm' as const }, { instanceId: two }]) {
        const item = { ...device, ...change, deviceId: randomUUID() };
        expect(await runOne(store.registerDevices, item)).toMatchObject({ created: true });
      }
    });

    test('a removed device is unknown, and its address becomes a new device without user and interests', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = await register(store, instanceId, { user: 'anna', interests: ['a'] });
      expect(await runOne(store.removeDevices, device)).toBe('removed');
      expect(await runOne(store.removeDevices, device)).toBe('unknown-device');
      expect(await store.findDevice(device)).toBeNull();
      expect(await store.listInterests({ ...device, after: '', limit: 10 })).toBeNull();
      const unknown = 'unknown-device';
      expect(await runOne(store.updateDeviceMetadata, { ...device, metadata: '{}' })).toBe(unknown);
      expect(await runOne(store.setDeviceUsers, { ...device, user: 'anna', maxDevices: 9 })).toBe(unknown);
      expect(await runOne(store.replaceInterests, { ...device, interests: [] })).toBe(unknown);
      expect(await runOne(store.addInterests, { ...device, interest: 'a', maxInterests: 9 })).toBe(unknown);
      expect(await runOne(store.removeInterests, { ...device, interest: 'a' })).toBe(unknown);

      const next = await register(store, instanceId, { address: device.address });
      expect(await store.findDevice(next)).toMatchObject({ deviceId: next.deviceId, user: null });
      expect(await store.listInterests({ ...next, after: '', limit: 10 })).toEqual([]);
    });

    test('metadata is replaced', async () => {
      const store = await open();
      const device = await register(store, await createInstance(store));
      expect(await runOne(store.updateDeviceMetadata, { ...device, metadata: '{"a":1}' })).toBe('updated');
      expect((await store.findDevice(device))?.metadata).toBe('{"a":1}');
    });
  });

  describe('users of devices', () => {
    test('a device keeps its user; the same user again is fine', async () => {
      const store = await open();
      const device = await register(store, await createInstance(store));
      const set = (user: string) => runOne(store.setDeviceUsers, { ...device, user, maxDevices: 1 });
      expect(await set('anna')).toBe('set');
      expect(await set('anna')).toBe('set');
      expect(await set('berta')).toBe('has-other-user');
      expect((await store.findDevice(device))?.user).toBe('anna');
    });

    test('the limit counts the living devices of the user on the platform', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const first = await register(store, instanceId, { user: 'anna' });
      await register(store, instanceId, { user: 'anna', platform: 'fcm' });
      const second = await register(store, instanceId);
      const set = () => runOne(store.setDeviceUsers, { ...second, user: 'anna', maxDevices: 1 });
      expect(await set()).toBe('too-many-devices');
      await runOne(store.removeDevices, first);
      expect(await set()).toBe('set');
    });

    test('erasing a user removes the devices; the name is somebody new afterwards', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const devices = [
        await register(store, instanceId, { user: 'anna' }),
        await register(store, instanceId, { user: 'anna', platform: 'apns' }),
      ];
      const other = await register(store, instanceId, { user: 'berta' });
      expect(await runOne(store.eraseUsers, { instanceId, user: 'anna' })).toEqual({ devices: 2, messages: 0 });
      expect(await runOne(store.eraseUsers, { instanceId, user: 'anna' })).toEqual({ devices: 0, messages: 0 });
      for (const device of devices) expect(await store.findDevice(device)).toBeNull();
      expect((await store.findDevice(other))?.user).toBe('berta');
      const next = await register(store, instanceId, { user: 'anna' });
      expect((await store.findDevice(next))?.user).toBe('anna');
    });
  });

  describe('interests', () => {
    test('are added up to the limit, removed and replaced', async () => {
      const store = await open();
      const device = await register(store, await createInstance(store));
      const add = (interest: string) => runOne(store.addInterests, { ...device, interest, maxInterests: 2 });
      const list = () => store.listInterests({ ...device, after: '', limit: 10 });
      expect(await add('a')).toBe('added');
      expect(await add('b')).toBe('added');
      expect(await add('c')).toBe('too-many-interests');
      expect(await add('a')).toBe('added');
      expect(await list()).toEqual(['a', 'b']);
      expect(await runOne(store.removeInterests, { ...device, interest: 'a' })).toBe('removed');
      expect(await runOne(store.removeInterests, { ...device, interest: 'a' })).toBe('removed');
      expect(await list()).toEqual(['b']);
      expect(await runOne(store.replaceInterests, { ...device, interests: ['x', 'b'] })).toBe('replaced');
      expect(await list()).toEqual(['b', 'x']);
    });

    test('are listed in byte order, page by page', async () => {
      const store = await open();
      const device = await register(store, await createInstance(store), { interests: ['é', 'a', 'Z', 'b'] });
      expect(await store.listInterests({ ...device, after: '', limit: 2 })).toEqual(['Z', 'a']);
      expect(await store.listInterests({ ...device, after: 'a', limit: 2 })).toEqual(['b', 'é']);
      expect(await store.listInterests({ ...device, after: 'é', limit: 2 })).toEqual([]);
    });
  });
}
