import type { CustomerPayload, NotificationData } from '../browser/notification-data.ts';
import type { PusherMetadata } from '../protocol/push-payload.ts';

declare const self: ServiceWorkerGlobalScope;

/** What browsers understand and TypeScript's library leaves out. */
interface ShowOptions extends NotificationOptions {
  readonly image?: string;
  readonly renotify?: boolean;
  readonly actions?: readonly { readonly action: string; readonly title: string; readonly icon?: string }[];
}

export async function showNotification(
  customerPayload: CustomerPayload,
  pusherMetadata: PusherMetadata,
  how: { readonly showing: string; readonly defaultTitle?: string | undefined; readonly silent?: boolean },
): Promise<void> {
  const {
    title = how.defaultTitle ?? '',
    body = '',
    icon,
    image,
    badge,
    buttons,
    tag,
    renotify,
    require_interaction,
  } = customerPayload.notification;
  const data: NotificationData = { pusher: { customerPayload, pusherMetadata }, showing: how.showing };
  const options: ShowOptions = {
    body,
    ...(icon && { icon }),
    ...(image && { image }),
    ...(badge && { badge }),
    ...(buttons && {
      actions: buttons.map((button) => ({
        action: button.id,
        title: button.text,
        ...(button.icon && { icon: button.icon }),
      })),
    }),
    // One of its own, so that a repeat takes its place.
    ...((tag || pusherMetadata.publishId) && { tag: tag || pusherMetadata.publishId }),
    // Browsers refuse it without a tag, and together with `silent`.
    ...(renotify === true && tag && !how.silent && { renotify }),
    ...(require_interaction === true && { requireInteraction: true }),
    ...(how.silent && { silent: true }),
    data,
  };
  await self.registration.showNotification(title, options);
}
