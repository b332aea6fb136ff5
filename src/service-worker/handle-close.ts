import type { NotificationData } from '../browser/notification-data.ts';
import { changeRecord, inTurn } from '../browser/notification-record.ts';
import { readDeviceState } from './device-state.ts';
import { flush } from './flush-later.ts';
import { tell, tellPages } from './tell.ts';

/**
 * Tells of a dismissal. Firefox fires this event also for a click, a close by code and a replacement; what is still open
 * here is none of those.
 */
export function handleClose(event: NotificationEvent): void {
  const { pusher, showing } = (event.notification.data ?? {}) as NotificationData;
  if (!pusher) return;
  const { customerPayload: payload, pusherMetadata: metadata } = pusher;
  event.waitUntil(
    inTurn(metadata.publishId, async () => {
      const occurrence = {
        kind: 'dismissed',
        payload,
        metadata,
        state: await readDeviceState(metadata).catch(() => undefined),
      } as const;
      const items = await tell(occurrence);
      let isDismissal = false;
      await changeRecord(metadata.publishId, (known) => {
        isDismissal = known?.state === 'open' && known.showing === showing;
        return known && isDismissal
          ? { changes: { state: 'dismissed', told: [...known.told, 'dismissed'] }, items }
          : null;
      });
      if (isDismissal) await tellPages(occurrence);
    })
      .catch((error: unknown) => console.warn('Pharos: the dismissal was not reported.', error))
      .then(flush),
  );
}
