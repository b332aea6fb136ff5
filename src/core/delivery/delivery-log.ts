import { formatPublishId } from '../../protocol/ids.ts';
import type { DeliveryOutcome } from '../ports/gateway.ts';
import type { Log } from '../ports/log.ts';
import type { DeliveryRecord, PublishKey } from '../ports/publish-store.ts';

/** Tells what kept deliveries from being accepted: one line a publish and second, however many devices. */
export interface DeliveryLog {
  add(publish: PublishKey, delivery: DeliveryRecord, outcome: DeliveryOutcome): void;
  /** Writes what has been gathered. */
  flush(): void;
}

interface Entry {
  readonly publish: PublishKey;
  readonly counts: Record<Exclude<DeliveryRecord['outcome']['kind'], 'accepted'>, number>;
  readonly reasons: Map<string, number>;
  readonly devices: number[];
}

const gatherForMs = 1_000;
/** Of a publish and second; services put words of their own into them. */
const maxReasons = 8;
const maxDevices = 5;

export function createDeliveryLog(log: Log): DeliveryLog {
  const entries = new Map<string, Entry>();
  let timer: NodeJS.Timeout | null = null;

  const flush = (): void => {
    if (timer) clearTimeout(timer);
    timer = null;
    for (const { publish, counts, reasons, devices } of entries.values()) {
      log.info('delivery.not-accepted', {
        instanceId: publish.instanceId,
        publishId: formatPublishId(publish.publishId),
        ...counts,
        reasons: [...reasons].map(([reason, times]) => (times === 1 ? reason : `${reason} (${times} times)`)),
        devices,
      });
    }
    entries.clear();
  };

  return {
    add({ instanceId, publishId }, { deviceNumber, outcome: { kind } }, outcome) {
      if (outcome.kind === 'accepted' || kind === 'accepted') return;
      const entry = entries.get(publishId) ?? {
        publish: { instanceId, publishId },
        counts: { gone: 0, rejected: 0, failed: 0, unauthorized: 0, deferred: 0 },
        reasons: new Map<string, number>(),
        devices: [],
      };
      entries.set(publishId, entry);
      entry.counts[kind] += 1;
      const reason = `${outcome.kind}: ${outcome.reason}`;
      const known = entry.reasons.has(reason) || entry.reasons.size < maxReasons ? reason : 'others';
      entry.reasons.set(known, (entry.reasons.get(known) ?? 0) + 1);
      if (entry.devices.length < maxDevices) entry.devices.push(deviceNumber);
      timer ??= setTimeout(flush, gatherForMs).unref();
    },
    flush,
  };
}
