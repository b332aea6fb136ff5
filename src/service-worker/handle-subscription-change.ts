import { listBeamsInstances, readBeamsRow, writeBeamsRow } from '../browser/beams-row.ts';
import { transact } from '../browser/database.ts';
import { readInstance } from '../browser/instance-record.ts';
import { addToOutbox } from '../browser/outbox-item.ts';
import { flush } from './flush-later.ts';
import { jsonRequest } from './json-request.ts';
import { reportOrigin } from './report-origin.ts';

declare const self: ServiceWorkerGlobalScope;

/** Push API, section 10.4; TypeScript's library has it for no browser. */
interface PushSubscriptionChangeEvent extends ExtendableEvent {
  readonly newSubscription?: PushSubscription | null;
  readonly oldSubscription?: PushSubscription | null;
}

/** The browser has dropped a subscription: its devices get the new one before any page is visited again. */
export function handleSubscriptionChange(event: Event): void {
  const change = event as PushSubscriptionChangeEvent;
  change.waitUntil(renewDevices(change));
}

async function renewDevices({ newSubscription, oldSubscription }: PushSubscriptionChangeEvent): Promise<void> {
  for (const instanceId of await listBeamsInstances()) {
    const [row, instance] = await Promise.all([readBeamsRow(instanceId), readInstance(instanceId)]);
    if (!row?.device_id) continue;
    const origin = reportOrigin(instance);
    const subscription =
      newSubscription ??
      (await self.registration.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey:
          oldSubscription?.options.applicationServerKey ??
          instance?.vapidPublicKey ??
          (await fetchVapidKey(origin, instanceId)),
      }));
    const token = btoa(JSON.stringify(subscription));
    if (token === row.token) continue;
    const device = `${origin}/page_api/v1/instances/${instanceId}/devices/${row.device_id}`;
    await transact(['outbox'], 'readwrite', (store) =>
      addToOutbox(store('outbox'), [jsonRequest('PUT', `${device}/subscription`, { token })]),
    );
    await writeBeamsRow(instanceId, { token });
  }
  await flush();
}

async function fetchVapidKey(origin: string, instanceId: string): Promise<string> {
  const response = await fetch(`${origin}/device_api/v1/instances/${instanceId}/web-vapid-public-key`);
  const { vapidPublicKey } = (await response.json()) as { readonly vapidPublicKey: string };
  return vapidPublicKey;
}
