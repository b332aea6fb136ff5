import { randomUUID } from 'node:crypto';
import { v7 } from 'uuid';
import { runOne } from '../src/core/ports/command.ts';
import type { DeviceKey } from '../src/core/ports/device-store.ts';
import type { Store } from '../src/core/ports/store.ts';
import { deliverMessages } from './waiting-messages.ts';

export interface FilledStore {
  readonly store: Store;
  readonly instanceId: string;
  readonly devices: readonly DeviceKey[];
  /** As many messages wait for it as there are devices. */
  readonly webhookId: string;
}

const items = 2_000;
const itemsPerCommand = 100;
const pagesRead = 200;

/** Of all who work on it, since any time; by default this process with the store's threads. */
export type CpuMicroseconds = () => number;
const ofThisProcess: CpuMicroseconds = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** Processor microseconds for one of each. So many messages are delivered: they wait once, and no more come. */
export async function costPerItem(
  { store, instanceId, devices, webhookId }: FilledStore,
  messagesDelivered = 1_000,
  cpu: CpuMicroseconds = ofThisProcess,
) {
  const microsecondsPerItem = async (count: number, run: () => Promise<void>): Promise<number> => {
    const before = cpu();
    await run();
    return (cpu() - before) / count;
  };
  const inBatches = (count: number, run: (size: number) => Promise<readonly { readonly ok: boolean }[]>) =>
    microsecondsPerItem(count, async () => {
      for (let left = count; left > 0; left -= itemsPerCommand) {
        const results = await run(Math.min(left, itemsPerCommand));
        if (!results.every(({ ok }) => ok)) throw new Error('the store refused an item');
      }
    });
  const many = <Item>(size: number, item: () => Item): Item[] => Array.from({ length: size }, item);
  const aPublish = () => ({
    instanceId,
    publishId: v7(),
    target: { kind: 'interests' as const, interests: ['red', 'green', 'blue'] },
    platforms: ['web' as const],
    body: { content: {}, request: { text: 'x'.repeat(400) } },
    urlTarget: null,
  });

  const register = await inBatches(items, (size) =>
    store.registerDevices(
      many(size, () => ({
        instanceId,
        platform: 'web' as const,
        deviceId: v7({}),
        address: `https://updates.push.services.mozilla.com/wpush/v2/${randomUUID()}`,
        keys: new Uint8Array(81),
        metadata: '{}',
      })),
    ),
  );
  const accept = await inBatches(items, (size) => store.acceptPublishes(many(size, aPublish)));
  const { publishId } = aPublish();
  await runOne(store.acceptPublishes, { ...aPublish(), publishId });
  const [range] = await runOne(store.claimRanges, { limit: 1, leaseMs: 600_000 });
  if (!range) throw new Error('no range is due');
  const places = devices.length - 1_000;
  const read = await microsecondsPerItem(pagesRead * 100, async () => {
    for (let page = 0; page < pagesRead; page++) {
      const device = Math.floor((places / pagesRead) * page);
      await store.readAudiencePage({ ...range, audience: { kind: 'everyone' } }, { user: 0, device }, 100);
    }
  });
  const reports = someOf(devices, items).map((device) => ({
    ...device,
    publishId,
    kind: 'delivery' as const,
    happenedAt: 1,
    notifiesUserWebhooks: true,
    appInBackground: null,
    hasDisplayableContent: null,
    hasData: null,
  }));
  const report = await inBatches(reports.length, (size) => store.recordReports(reports.splice(0, size)));
  const deliver = await microsecondsPerItem(messagesDelivered, async () => {
    for (let left = messagesDelivered; left > 0; left -= itemsPerCommand)
      await deliverMessages(store, { instanceId, target: webhookId }, itemsPerCommand);
  });
  return { register, accept, read, report, deliver };
}

/**
 * Devices in no order, each once: a report that comes again is not recorded, and costs less. Their ids are texts anew, as requests
 * bring them: to find them in the memory of this process is no part of the cost.
 */
function someOf(devices: readonly DeviceKey[], count: number): DeviceKey[] {
  const chosen = new Set<DeviceKey>();
  while (chosen.size < Math.min(count, devices.length))
    chosen.add(devices[Math.floor(Math.random() * devices.length)] as DeviceKey);
  return JSON.parse(JSON.stringify([...chosen])) as DeviceKey[];
}
