import { readInstance } from '../browser/instance-record.ts';
import type { NotificationData } from '../browser/notification-data.ts';
import { changeRecord, inTurn } from '../browser/notification-record.ts';
import { readDeviceState } from './device-state.ts';
import { flush } from './flush-later.ts';
import type { Occurrence } from './occurrence.ts';
import { tell, tellPages } from './tell.ts';
import { listWindows } from './site-windows.ts';

declare const self: ServiceWorkerGlobalScope;

/** Closes a clicked notification of ours, opens its link or the button's, and tells of the click. */
export function handleClick(event: NotificationEvent): void {
  const { pusher } = (event.notification.data ?? {}) as NotificationData;
  if (!pusher) return;
  const { customerPayload: payload, pusherMetadata: metadata } = pusher;
  const { deep_link, buttons } = payload.notification;
  const link = (event.action && buttons?.find(({ id }) => id === event.action)?.url) || deep_link;
  const opening = openLink(link, metadata.instanceId);

  // Before the close: its turn comes first, so the close event finds a click.
  event.waitUntil(
    inTurn(metadata.publishId, async () => {
      const state = await readDeviceState(metadata).catch(() => undefined);
      const openedUrl = await opening.url;
      await recordClick({ kind: 'clicked', payload, metadata, state, action: event.action, openedUrl });
    })
      .catch((error: unknown) => console.warn('Pharos: the click was not reported.', error))
      .then(flush),
  );
  event.notification.close();
  event.waitUntil(opening.done);
}

/** Opens a link, or the default one of the page that was visited last; `url` is what is opened, if anything. */
function openLink(
  link: string | undefined,
  instanceId: string,
): { readonly url: Promise<string | undefined>; readonly done: Promise<void> } {
  const url = link
    ? Promise.resolve(link)
    : readInstance(instanceId).then(
        (instance) => instance?.defaultUrl,
        () => undefined,
      );
  return { url, done: url.then((found) => (found ? focusOrOpen(found) : undefined)) };
}

/** Focuses the tab that already shows this link, or else opens a new one. */
async function focusOrOpen(link: string): Promise<void> {
  const { href } = new URL(link, self.location.href);
  const open = (await listWindows()).find((window) => window.url === href);
  await (open ? open.focus() : self.clients.openWindow(href));
}

async function recordClick(occurrence: Occurrence): Promise<void> {
  const items = await tell(occurrence);
  await changeRecord(occurrence.metadata.publishId, (known) => {
    const told = known?.told ?? [];
    return told.includes('clicked') ? null : { changes: { state: 'clicked', told: [...told, 'clicked'] }, items };
  });
  await tellPages(occurrence);
}
