import type { PusherMetadata, PushPayload } from '../protocol/push-payload.ts';
import type { CustomerPayload } from './beams-global.ts';
import { beams } from './beams-global.ts';
import { readDeviceState } from './device-state.ts';
import { reportEvent } from './report-event.ts';
import { showNotification } from './show-notification.ts';

/** Shows and reports one push; a push that is not ours is left to the site's other listeners. */
export function handlePush(pushEvent: PushEvent): void {
  const received = parsePush(pushEvent.data);
  if (!received) return;
  const { payload, metadata } = received;

  const statePromise = readDeviceState(metadata);
  pushEvent.waitUntil(reportEvent('delivery', statePromise));

  const handleNotification = (changed: CustomerPayload) => showNotification(changed, metadata);
  if (beams.onNotificationReceived) {
    beams.onNotificationReceived({ payload, pushEvent, handleNotification, statePromise });
  } else {
    pushEvent.waitUntil(handleNotification(payload));
  }
}

function parsePush(
  message: PushMessageData | null,
): { payload: CustomerPayload; metadata: PusherMetadata } | undefined {
  const body = parseJson(message?.text());
  if (!body?.data?.pusher) return undefined;
  const { pusher, ...data } = body.data;
  return { payload: { ...body, notification: body.notification ?? {}, data }, metadata: pusher };
}

function parseJson(text: string | undefined): Partial<PushPayload> | null {
  try {
    return text === undefined ? null : JSON.parse(text);
  } catch {
    return null; // text that another sender put there
  }
}
