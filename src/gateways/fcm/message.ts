import type { FcmContent, FcmCredentials, GatewayBatch } from '../../core/ports/gateway.ts';
import { formatPublishId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { objectOrEmpty } from '../push-client/parse-object.ts';

type Message = Omit<GatewayBatch<FcmContent, FcmCredentials>, 'devices' | 'sender'>;

/** The body of `messages:send` for a registration token; all but the token is made once for many devices. */
export function encodeMessage(batch: Message): (token: string) => Buffer {
  const message = JSON.stringify(messageOf(batch)).slice(1);
  return (token) => Buffer.from(`{"message":{"token":${JSON.stringify(token)},${message}}`);
}

/**
 * What every device gets. `data.pusher` is a string of JSON: FCM's data holds only strings, and the app's SDK reads it
 * there.
 */
function messageOf({ instanceId, publishId, content, timeToLiveSeconds }: Message): JsonObject {
  const { message, clickAction, hasDisplayableContent, hasData } = content;
  const pusher = JSON.stringify({
    instanceId,
    publishId: formatPublishId(publishId),
    ...(clickAction !== undefined && { clickAction }),
    hasDisplayableContent,
    hasData,
  });
  return {
    ...message,
    data: { ...objectOrEmpty(message['data']), pusher },
    // `Duration` in JSON: seconds with an `s`.
    android: { ...objectOrEmpty(message['android']), ttl: `${timeToLiveSeconds}s` },
  };
}
