import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { DeviceKey } from '../../core/ports/device-store.ts';
import type { AcceptAnswer, AcceptPublish, PublishTarget, TagCondition } from '../../core/ports/publish-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
import type { OpenStore } from './fixtures.ts';
import { accept, claimRange, createInstance, register, toUsers } from './fixtures.ts';

const request = (instanceId: string, target: PublishTarget, change: Partial<AcceptPublish> = {}): AcceptPublish => ({
  instanceId,
  publishId: uuidV7(),
  target,
  platforms: ['web'],
  body: { content: {} },
  urlTarget: null,
  ...change,
});

const toDevices = (deviceIds: readonly string[], aliases: readonly string[] = []): PublishTarget => ({
  kind: 'devices',
  deviceIds,
  aliases,
});

/** Addresses of everybody a publish reaches, read in pages of `limit`. */
async function reach(store: Store, instanceId: string, target: PublishTarget, limit = 2): Promise<string[]> {
  const item = request(instanceId, target);
  const { publishId, finished } = await runOne(store.acceptPublishes, item);
  if (publishId === null || finished) return [];
  const range = await claimRange(store, { instanceId, publishId });
  const addresses: string[] = [];
  for (let cursor = range.cursor; ;) {
    const page = await store.readAudiencePage(range, cursor, limit);
    expect(page.devices.length).toBeLessThanOrEqual(limit);
    addresses.push(...page.devices.map((device) => device.address));
    if (!page.next) break;
    cursor = page.next;
  }
  expect(new Set(addresses).size).toBe(addresses.length);
  return addresses.toSorted();
}

const tag = (store: Store, key: DeviceKey, tags: Record<string, string | null>, maxTags = 10) =>
  runOne(store.changeTags, { ...key, tags, maxTags });

export function audiencesSuite(open: OpenStore): void {
  describe('audiences', () => {
    test('everyone: the living and not muted devices of the instance, by family if asked', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      await register(store, await createInstance(store));
      const chrome = await register(store, instanceId, { address: `https://fcm.googleapis.com/${randomUUID()}` });
      const firefox = await register(store, instanceId, {
        address: `https://updates.push.services.mozilla.com/${randomUUID()}`,
      });
      const other = await register(store, instanceId);
      const muted = await register(store, instanceId);
      await register(store, instanceId, { platform: 'fcm', address: 'token' });
      await runOne(store.removeDevices, await register(store, instanceId));
      expect(await runOne(store.muteDevices, { ...muted, muted: true })).toBe('set');
      const everyone = [chrome, firefox, other].map(({ address }) => address).toSorted();
      expect(await reach(store, instanceId, { kind: 'everyone' })).toEqual(everyone);
      expect(await reach(store, instanceId, { kind: 'everyone', families: ['firefox'] })).toEqual([firefox.address]);
      expect(await reach(store, instanceId, { kind: 'everyone', families: ['safari'] })).toEqual([]);
      await runOne(store.muteDevices, { ...muted, muted: false });
      expect(await reach(store, instanceId, { kind: 'everyone' })).toContain(muted.address);
    });

    test('a muted device is in no audience', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = await register(store, instanceId, { user: 'anna', interests: ['news'] });
      await runOne(store.setDeviceAliases, { ...device, alias: 'ann' });
      await tag(store, device, { level: '5' });
      const targets: PublishTarget[] = [
        { kind: 'interests', interests: ['news'] },
        toUsers('anna'),
        toDevices([device.deviceId]),
        toDevices([], ['ann']),
        { kind: 'tags', filter: [[{ key: 'level', relation: 'exists' }]] },
      ];
      for (const target of targets) expect(await reach(store, instanceId, target)).toEqual([device.address]);
      await runOne(store.muteDevices, { ...device, muted: true });
      for (const target of targets) expect(await reach(store, instanceId, target)).toEqual([]);
    });

    test('devices: by id, by alias and by the name of their user, each once', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const claiming = [await register(store, instanceId), await register(store, instanceId)];
      for (const device of claiming) await runOne(store.setDeviceAliases, { ...device, alias: 'anna' });
      const hers = await register(store, instanceId, { user: 'anna' });
      const byId = await register(store, instanceId);
      await register(store, instanceId);
      const ids = [byId.deviceId, claiming[0]?.deviceId ?? ''];
      expect(await reach(store, instanceId, toDevices(ids, ['anna']))).toEqual(
        [...claiming, hers, byId].map(({ address }) => address).toSorted(),
      );
    });

    test('an alias is a claim: a publish to users never reaches a device by it', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const hers = await register(store, instanceId, { user: 'anna' });
      const claiming = await register(store, instanceId);
      expect(await runOne(store.setDeviceAliases, { ...claiming, alias: 'anna' })).toBe('set');
      expect(await reach(store, instanceId, toUsers('anna'))).toEqual([hers.address]);
      await runOne(store.setDeviceAliases, { ...claiming, alias: 'berta' });
      expect(await reach(store, instanceId, toUsers('berta'))).toEqual([]);
      const summary = await store.summarizePublish(await accept(store, instanceId, toUsers('berta')));
      expect(summary?.users.noDevices).toEqual(['berta']);
    });

    test('an erased user is no alias any more', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const claiming = await register(store, instanceId);
      await runOne(store.setDeviceAliases, { ...claiming, alias: 'anna' });
      await runOne(store.eraseUsers, { instanceId, user: 'anna' });
      expect(await reach(store, instanceId, toDevices([], ['anna']))).toEqual([]);
      expect(await reach(store, instanceId, { kind: 'everyone' })).toEqual([claiming.address]);
    });

    test('what of the named devices reaches nobody is said; nobody at all is not accepted', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = await register(store, instanceId);
      const unknown = randomUUID();
      const some = await runOne(
        store.acceptPublishes,
        request(instanceId, toDevices([device.deviceId, unknown], ['nobody'])),
      );
      expect(some).toMatchObject({ unreached: { deviceIds: [unknown], aliases: ['nobody'] }, replayed: false });
      expect(some.publishId).not.toBeNull();
      const none = request(instanceId, toDevices([unknown], ['nobody']));
      expect((await runOne(store.acceptPublishes, none)).publishId).toBeNull();
      expect(await store.summarizePublish(none)).toBeNull();
    });

    test('tags: what conditions meet, by an independent reading of them', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const tagged: { readonly address: string; readonly tags: Record<string, string> }[] = [];
      for (let index = 0; index < 30; index += 1) {
        const device = await register(store, instanceId);
        const tags: Record<string, string> = {
          ...(index % 2 === 0 && { level: String(index) }),
          ...(index % 3 === 0 && { color: index % 6 === 0 ? 'red' : 'blue' }),
        };
        expect(await tag(store, device, tags)).toBe('changed');
        tagged.push({ address: device.address, tags });
      }
      const level = (relation: '>' | '<', value: string): TagCondition => ({ key: 'level', relation, value });
      const red: TagCondition = { key: 'color', relation: '=', value: 'red' };
      const notRed: TagCondition = { key: 'color', relation: '!=', value: 'red' };
      const cases: (readonly [TagCondition[][], (tags: Record<string, string>) => boolean])[] = [
        [[[red]], ({ color }) => color === 'red'],
        [[[notRed]], ({ color }) => color !== 'red'],
        [[[{ key: 'level', relation: 'exists' }]], (tags) => 'level' in tags],
        [[[{ key: 'level', relation: 'not_exists' }]], (tags) => !('level' in tags)],
        [[[level('>', '9')]], (tags) => Number(tags['level']) > 9],
        [[[level('<', '9'), notRed]], (tags) => Number(tags['level']) < 9 && tags['color'] !== 'red'],
        [[[red], [level('>', '20')]], (tags) => tags['color'] === 'red' || Number(tags['level']) > 20],
        [[[notRed], [red]], () => true],
        [[[red, { key: 'color', relation: 'not_exists' }]], () => false],
      ];
      for (const [filter, matches] of cases) {
        const expected = tagged.filter(({ tags }) => matches(tags)).map(({ address }) => address);
        expect(await reach(store, instanceId, { kind: 'tags', filter })).toEqual(expected.toSorted());
      }
    });

    test('tags of a device: bounded, replaced, deleted, and gone with the device', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = await register(store, instanceId);
      expect(await tag(store, device, { a: '1', b: '2' }, 2)).toBe('changed');
      expect(await tag(store, device, { c: '3' }, 2)).toBe('too-many-tags');
      expect(await tag(store, device, { c: '3', a: null, b: '4' }, 2)).toBe('changed');
      expect(await store.listTags(device)).toEqual([
        ['b', '4'],
        ['c', '3'],
      ]);
      await runOne(store.removeDevices, device);
      expect(await store.listTags(device)).toBeNull();
      expect(await tag(store, device, { a: '1' })).toBe('unknown-device');
      expect(await runOne(store.muteDevices, { ...device, muted: true })).toBe('unknown-device');
      expect(await runOne(store.setDeviceAliases, { ...device, alias: 'a' })).toBe('unknown-device');
    });
  });

  describe('idempotency keys', () => {
    const accepting = (store: Store, items: readonly AcceptPublish[]): Promise<AcceptAnswer[]> =>
      Promise.all(items.map((item) => runOne(store.acceptPublishes, item)));

    test('two equal keys at once give one publish, and the first answer again', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = await register(store, instanceId);
      const target = toDevices([device.deviceId], ['nobody']);
      const item = () => request(instanceId, target, { idempotencyKey: 'key' });
      const answers = await accepting(store, [item(), item(), item()]);
      expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
      expect(new Set(answers.map(({ publishId }) => publishId)).size).toBe(1);
      for (const answer of answers) expect(answer.unreached.aliases).toEqual(['nobody']);
      expect((await store.listPublishes({ instanceId, limit: 9, offset: 0, countRemainingUpTo: 9 })).total).toBe(1);
    });

    test('belong to their instance; that nobody was reached is an answer too', async () => {
      const store = await open();
      const [one, two] = [await createInstance(store), await createInstance(store)];
      const everyone: PublishTarget = { kind: 'everyone' };
      await register(store, two);
      const [nobody, somebody] = await accepting(store, [
        request(one, everyone, { idempotencyKey: 'key' }),
        request(two, everyone, { idempotencyKey: 'key' }),
      ]);
      expect(nobody).toMatchObject({ publishId: null, replayed: false });
      expect(somebody?.publishId).toEqual(expect.any(String));
      await register(store, one);
      const again = await runOne(store.acceptPublishes, request(one, everyone, { idempotencyKey: 'key' }));
      expect(again).toMatchObject({ publishId: null, replayed: true });
    });
  });
}
