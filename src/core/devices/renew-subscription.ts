import { formatDeviceId } from '../../protocol/ids.ts';
import { runOne } from '../ports/command.ts';
import type { DeviceCommands, DeviceKey } from '../ports/device-store.ts';
import type { Log } from '../ports/log.ts';
import type { PushEndpointRules } from '../ports/push-endpoint-rules.ts';
import type { RefusedSubscription, WebSubscription } from './register-web-device.ts';
import { subscriptionRefusal } from './register-web-device.ts';

export interface RenewSubscriptionDeps {
  readonly store: Pick<DeviceCommands, 'updateDeviceAddresses'>;
  readonly endpointRules: PushEndpointRules;
  readonly log: Log;
}

/** The browser of a device has another push subscription now; everything else stays. Rejects with `StoreUnavailable`. */
export async function renewSubscription(
  deps: RenewSubscriptionDeps,
  key: DeviceKey,
  subscription: WebSubscription,
): Promise<'updated' | 'unknown-device' | RefusedSubscription> {
  const refusal = subscriptionRefusal(deps.endpointRules, subscription);
  if (refusal) return refusal;
  const result = await runOne(deps.store.updateDeviceAddresses, {
    ...key,
    address: subscription.endpoint,
    keys: Buffer.concat([subscription.p256dh, subscription.auth]),
  });
  const deviceId = formatDeviceId(key.platform, key.deviceId);
  deps.log.info('device.subscription-renewed', { instanceId: key.instanceId, deviceId, result });
  return result;
}
