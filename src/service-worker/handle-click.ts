import { readDeviceState } from './device-state.ts';
import { reportEvent } from './report-event.ts';
import type { NotificationData } from './show-notification.ts';
import { listWindows } from './site-windows.ts';

declare const self: ServiceWorkerGlobalScope;

/** Closes a clicked notification of ours, opens its deep link and reports the open. */
export function handleClick(event: NotificationEvent): void {
  const { pusher } = (event.notification.data ?? {}) as NotificationData;
  if (!pusher) return;
  event.notification.close();

  const statePromise = readDeviceState(pusher.pusherMetadata);
  event.waitUntil(reportEvent('open', statePromise));

  const deepLink = pusher.customerPayload.notification.deep_link;
  if (deepLink) event.waitUntil(openLink(deepLink));
}

/** Focuses the tab that already shows this link, or else opens a new one. */
async function openLink(deepLink: string): Promise<void> {
  const { href } = new URL(deepLink, self.location.href);
  const open = (await listWindows()).find((window) => window.url === href);
  await (open ? open.focus() : self.clients.openWindow(href));
}
