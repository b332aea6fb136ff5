import type { ApnsContent, ApnsCredentials, GatewayBatch } from '../../core/ports/gateway.ts';
import { formatPublishId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { objectOrEmpty } from '../push-client/parse-object.ts';

type Notification = Omit<GatewayBatch<ApnsContent, ApnsCredentials>, 'devices' | 'sender'>;

/** "Regular remote notifications: 4096 bytes" (Apple, Generating a remote notification). */
export const maxPayloadBytes = 4096;

/** The JSON that every device of the batch receives, in UTF-8. */
export function encodePayload({ instanceId, publishId, content }: Notification): Buffer {
  const { payload, tracksDelivery } = content;
  const aps = objectOrEmpty(payload['aps']);
  const wakesApp = [1, true, '1'].some((spelling) => spelling === aps['content-available']);
  const pusher = {
    instanceId,
    publishId: formatPublishId(publishId),
    // The SDK takes it as a sign that nobody but itself is to be woken.
    ...(tracksDelivery && !wakesApp && { userShouldIgnore: true }),
  };
  return Buffer.from(
    JSON.stringify({
      ...payload,
      aps: tracksDelivery ? { ...aps, 'content-available': 1 } : aps,
      data: { ...objectOrEmpty(payload['data']), pusher },
    }),
  );
}

/** Headers that are the same for all devices of a batch but for their topics (Apple, Sending notification requests). */
export function notificationHeaders({ content, timeToLiveSeconds }: Notification, now: number) {
  const isSeen = isShown(objectOrEmpty(content.payload['aps']));
  return {
    'content-type': 'application/json',
    'apns-push-type': isSeen ? 'alert' : 'background',
    // "Always use priority 5" for background notifications; "using priority 10 is an error".
    'apns-priority': String(isSeen ? (content.priority ?? 10) : 5),
    // 0: Apple tries once and stores nothing.
    'apns-expiration': String(
      timeToLiveSeconds === 0 ? 0 : (content.expiresAtSeconds ?? Math.floor(now / 1000) + timeToLiveSeconds),
    ),
    ...(content.collapseId !== undefined && { 'apns-collapse-id': content.collapseId }),
  };
}

/** "alert: … notifications that display an alert, play a sound, or badge your app's icon" */
const isShown = (aps: JsonObject): boolean => ['alert', 'badge', 'sound'].some((key) => aps[key] !== undefined);
