import type { GatewayBatch, WebContent, WebSender } from '../../core/ports/gateway.ts';
import { formatPublishId } from '../../protocol/ids.ts';
import type { PusherMetadata, PushPayload } from '../../protocol/push-payload.ts';
import { maxPayloadBytes } from './encryption.ts';

/** The JSON that every device of the batch receives, in UTF-8. */
export function encodePayload(batch: Omit<GatewayBatch<WebContent, WebSender>, 'devices'>): Buffer {
  const payload = encode(batch, { relayedEvents: batch.sender.relayedEvents });
  // Content may take all the room; without the list, what the page was told last counts.
  return payload.length <= maxPayloadBytes ? payload : encode(batch, {});
}

function encode(
  { instanceId, publishId, content }: Omit<GatewayBatch<WebContent, WebSender>, 'devices'>,
  relayed: Pick<PusherMetadata, 'relayedEvents'>,
): Buffer {
  const { notification, data } = content;
  const payload: PushPayload = {
    notification,
    data: {
      ...data,
      pusher: {
        instanceId,
        publishId: formatPublishId(publishId),
        // The worker shows title and body; an icon or a link alone displays nothing.
        hasDisplayableContent: Boolean(notification.title || notification.body),
        hasData: Object.keys(data).length > 0,
        ...relayed,
      },
    },
  };
  return Buffer.from(JSON.stringify(payload));
}
