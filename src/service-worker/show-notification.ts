import type { PusherMetadata } from '../protocol/push-payload.ts';
import type { CustomerPayload } from './beams-global.ts';
import { listWindows } from './site-windows.ts';

declare const self: ServiceWorkerGlobalScope;

/** What our notifications carry to their click: the same shape as Beams' worker, so that either script reads the other's. */
export interface NotificationData {
  readonly pusher?: { readonly customerPayload: CustomerPayload; readonly pusherMetadata: PusherMetadata };
}

/** Shows a notification, unless it asked to stay hidden while one of the site's windows has the focus. */
export async function showNotification(
  customerPayload: CustomerPayload,
  pusherMetadata: PusherMetadata,
): Promise<void> {
  const { title = '', body = '', icon, hide_notification_if_site_has_focus: hide } = customerPayload.notification;
  if (hide === true && (await listWindows()).some((window) => window.focused)) return;
  const data: NotificationData = { pusher: { customerPayload, pusherMetadata } };
  await self.registration.showNotification(title, { body, ...(icon ? { icon } : {}), data });
}
