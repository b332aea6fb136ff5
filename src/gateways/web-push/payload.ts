import type { GatewayBatch, WebContent } from '../../core/ports/gateway.ts';
import { formatPublishId } from '../../protocol/ids.ts';
import type { PushPayload } from '../../protocol/push-payload.ts';

/** The JSON that every device of the batch receives, in UTF-8. */
export function encodePayload({ instanceId, publishId, content }: Omit<GatewayBatch<WebContent>, 'devices'>): Buffer {
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
      },
    },
  };
  return Buffer.from(JSON.stringify(payload));
}
