import type { NotificationData } from './notification-data.ts';
import { changeRecord, inTurn } from './notification-record.ts';

/**
 * Makes closes by code known: Firefox fires `notificationclose` for them as it does when the visitor dismisses. `record-first`
 * is for pages: the worker must find the record when the event arrives there.
 */
export function watchClose(order: 'record-first' | 'close-first'): void {
  const { prototype } = Notification;
  const { value: close } = Object.getOwnPropertyDescriptor(prototype, 'close') as {
    value: (this: Notification) => void;
  };
  prototype.close = function (this: Notification) {
    const { pusher } = (this.data ?? {}) as NotificationData;
    if (!pusher) return close.call(this);
    const recorded = recordClose(pusher.pusherMetadata.publishId);
    if (order === 'record-first') void recorded.then(() => close.call(this));
    else close.call(this);
  };
}

/** Never rejects: the notification must close. */
const recordClose = (publishId: string): Promise<unknown> =>
  inTurn(publishId, () =>
    changeRecord(publishId, (known) => (known?.state === 'open' ? { changes: { state: 'closed' } } : null)),
  ).catch((error: unknown) => console.warn('Pharos: a close was not recorded.', error));
