import { readInstance } from '../browser/instance-record.ts';
import type { CustomerPayload } from '../browser/notification-data.ts';
import { changeRecord } from '../browser/notification-record.ts';
import type { PusherMetadata } from '../protocol/push-payload.ts';
import { announce } from './announce.ts';
import { beams } from './beams-global.ts';
import { beamsReport } from './beams-report.ts';
import type { DeviceState } from './device-state.ts';
import { readDeviceState } from './device-state.ts';
import { flushAside } from './flush-later.ts';
import { parsePush } from './parse-push.ts';
import { reportOrigin } from './report-origin.ts';

/** Shows and reports one push; a push that is not ours is left to the site's other listeners. */
export function handlePush(pushEvent: PushEvent): void {
  const received = parsePush(pushEvent.data);
  if (!received) return;
  const { payload, metadata } = received;

  const statePromise = readDeviceState(metadata);
  pushEvent.waitUntil(reportDelivery(metadata, statePromise));

  const handleNotification = (changed: CustomerPayload) => {
    const announced = announce(changed, metadata, statePromise);
    // Whoever awaits the display does not wait for anybody's webhook.
    pushEvent.waitUntil(announced.then(flushAside));
    return announced;
  };
  if (beams.onNotificationReceived) {
    beams.onNotificationReceived({ payload, pushEvent, handleNotification, statePromise });
  } else {
    pushEvent.waitUntil(handleNotification(payload));
  }
}

/** Never rejects: a report must not harm the display. */
async function reportDelivery(
  { instanceId, publishId }: PusherMetadata,
  reading: Promise<DeviceState | undefined>,
): Promise<void> {
  try {
    const state = await reading;
    if (!state) return;
    const item = beamsReport('delivery', reportOrigin(await readInstance(instanceId)), state);
    await changeRecord(publishId, (known) =>
      !item || known?.told.includes('delivery')
        ? null
        : { changes: { told: [...(known?.told ?? []), 'delivery'] }, items: [item] },
    );
    flushAside();
  } catch (error) {
    console.warn('Pharos: the delivery was not reported.', error);
  }
}
