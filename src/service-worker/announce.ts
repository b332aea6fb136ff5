import type { InstanceRecord } from '../browser/instance-record.ts';
import { readInstance } from '../browser/instance-record.ts';
import type { CustomerPayload, NotificationData } from '../browser/notification-data.ts';
import { changeRecord, inTurn } from '../browser/notification-record.ts';
import type { PusherMetadata } from '../protocol/push-payload.ts';
import type { DeviceState } from './device-state.ts';
import type { Occurrence } from './occurrence.ts';
import { tell, tellPages } from './tell.ts';
import { showNotification } from './show-notification.ts';
import { listWindows } from './site-windows.ts';

declare const self: ServiceWorkerGlobalScope;

/**
 * Shows a notification once, and records that it was displayed. A repeat of the same publish (after a crash of the server or
 * of the browser) is re-shown silently while the first is still open, else swallowed.
 */
export async function announce(
  payload: CustomerPayload,
  metadata: PusherMetadata,
  reading: Promise<DeviceState | undefined>,
): Promise<void> {
  const { instanceId, publishId } = metadata;
  if (!instanceId || !publishId) return showNotification(payload, metadata, { showing: crypto.randomUUID() });
  const instance = await readInstance(instanceId).catch(warn);
  await inTurn(publishId, () => announceInTurn(payload, metadata, reading, instance));
}

async function announceInTurn(
  payload: CustomerPayload,
  metadata: PusherMetadata,
  reading: Promise<DeviceState | undefined>,
  instance: InstanceRecord | undefined,
): Promise<void> {
  const { publishId } = metadata;
  const { tag = publishId, hide_notification_if_site_has_focus: hide } = payload.notification;
  const known = await changeRecord(publishId, () => null).catch(warn);
  const before = known?.state ?? 'received';
  if (before !== 'received' && before !== 'showing' && before !== 'open') return;
  if (before === 'received' && hide === true && (await listWindows()).some((window) => window.focused)) {
    await changeRecord(publishId, () => ({ changes: { state: 'hidden' } })).catch(warn);
    return;
  }

  const open = await self.registration.getNotifications();
  const isOpen = open.some((shown) => publishOf(shown) === publishId);
  if (before === 'open' && !isOpen) return;
  const showing = crypto.randomUUID();
  await changeRecord(publishId, () => ({
    changes: { state: before === 'open' ? 'open' : 'showing', showing },
  })).catch(warn);
  await Promise.all(
    open.filter((shown) => shown.tag === tag).map((shown) => recordReplaced(publishOf(shown), publishId)),
  );
  await showNotification(payload, metadata, {
    showing,
    defaultTitle: instance?.defaultTitle,
    silent: isOpen && before !== 'received',
  });
  if (before === 'open') return;
  const state = await reading.catch(warn);
  await recordDisplayed({ kind: 'displayed', payload, metadata, state }).catch(warn);
}

const publishOf = ({ data }: Notification): string | undefined =>
  (data as NotificationData | null)?.pusher?.pusherMetadata.publishId;

/** In one transaction, not in turn: the other one may just be being shown, and waiting for it could last for ever. */
async function recordReplaced(replaced: string | undefined, by: string): Promise<void> {
  if (replaced === undefined || replaced === by) return;
  await changeRecord(replaced, (known) =>
    known?.state === 'open' || known?.state === 'showing' ? { changes: { state: 'replaced' } } : null,
  ).catch(warn);
}

/** "displayed after `showNotification` resolved". */
async function recordDisplayed(occurrence: Occurrence): Promise<void> {
  const items = await tell(occurrence);
  await changeRecord(occurrence.metadata.publishId, (known) => {
    // It may have been replaced meanwhile.
    const state = known?.state === 'showing' ? 'open' : (known?.state ?? 'open');
    const told = known?.told ?? [];
    return told.includes('displayed')
      ? { changes: { state } }
      : { changes: { state, told: [...told, 'displayed'] }, items };
  });
  await tellPages(occurrence);
}

/** A database that cannot be used must not keep a notification from being shown. */
function warn(error: unknown): undefined {
  console.warn('Pharos: browser storage failed.', error);
}
