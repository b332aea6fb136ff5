import type { CustomerPayload } from '../browser/notification-data.ts';
import type { PusherMetadata, PushPayload } from '../protocol/push-payload.ts';

/** The envelope of both wires; undefined for the push of another sender. */
export function parsePush(
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
