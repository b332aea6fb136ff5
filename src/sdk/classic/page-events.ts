import type { JsonObject } from '../../protocol/json.ts';
import type { MessageToPage } from '../../protocol/worker-messages.ts';

/** What `notificationDisplay`, `notificationClick` and `notificationDismiss` hand to their listeners. */
export interface ClassicNotification {
  readonly id: string;
  readonly heading?: unknown;
  readonly content?: unknown;
  readonly url?: unknown;
  readonly icon?: unknown;
  readonly data: JsonObject;
  readonly action?: string;
}

const names = { displayed: 'notificationDisplay', clicked: 'notificationClick', dismissed: 'notificationDismiss' };

/** Passes on what the worker tells. */
export function watchWorker(emit: (event: string, detail: ClassicNotification) => void): void {
  navigator.serviceWorker.addEventListener('message', ({ data }: MessageEvent<Partial<MessageToPage> | null>) => {
    if (!data?.pharos || !(data.pharos in names)) return;
    const { pharos, publishId = '', notification = {}, data: custom = {}, action } = data;
    emit(names[pharos], {
      id: publishId.replace(/^pubid-/, ''),
      heading: notification['title'],
      content: notification['body'],
      url: notification['deep_link'],
      icon: notification['icon'],
      data: custom,
      ...(action !== undefined && { action }),
    });
  });
}

/** Browsers that cannot say when it changes are asked again at each call of ours. */
export async function watchPermission(emit: (event: string, detail: object) => void): Promise<void> {
  const status = await navigator.permissions.query({ name: 'notifications' });
  status.addEventListener('change', () => emit('notificationPermissionChange', { to: Notification.permission }));
}
