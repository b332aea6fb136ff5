import type { ClassicEvent } from '../protocol/push-payload.ts';
import { transact } from './database.ts';
import { settled } from './settled.ts';

/** What the last visited page said about an instance. "A user's browser keeps what its last visited page said." */
export interface InstanceRecord {
  readonly instanceId: string;
  /** Origin of the server. */
  readonly origin?: string;
  /** base64url */
  readonly vapidPublicKey?: string;
  readonly webhooks?: ClassicWebhooks;
  /** Classic events that the server sends itself. */
  readonly relayedEvents?: readonly ClassicEvent[];
  /** What a click opens when the notification has no link. */
  readonly defaultUrl?: string;
  /** Title of notifications without one. */
  readonly defaultTitle?: string;
  /** No publish reaches the device. */
  readonly muted?: boolean;
  /** The unverified name that the page gave last. */
  readonly externalId?: string | null;
}

export interface ClassicWebhooks {
  readonly cors: boolean;
  /** "One URL per event." */
  readonly urls: Partial<Record<ClassicEvent, string>>;
}

export const readInstance = (instanceId: string): Promise<InstanceRecord | undefined> =>
  transact(['instances'], 'readonly', (store) => settled(store('instances').get(instanceId)));

/** Fields that are left out stay as they are; also those of a newer release. */
export const updateInstance = (instanceId: string, changes: Partial<InstanceRecord>): Promise<void> =>
  transact(['instances'], 'readwrite', async (store) => {
    const known = (await settled(store('instances').get(instanceId))) as InstanceRecord | undefined;
    await settled(store('instances').put({ ...known, ...changes, instanceId }));
  });
