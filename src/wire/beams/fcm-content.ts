import type { FcmContent } from '../../core/ports/gateway.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { jsonObject } from './decode-body.ts';

/** Four weeks: the longest that FCM keeps a message, and what it does when nothing is said. */
const defaultTimeToLiveSeconds = 2_419_200;

const isFilled = (part: unknown): boolean => typeof part === 'object' && part !== null && Object.keys(part).length > 0;

/** The `fcm` of a publish, in the legacy downstream form. */
export const fcmContent = jsonObject.transform((message: JsonObject): FcmContent => ({
  timeToLiveSeconds: defaultTimeToLiveSeconds,
  message,
  hasDisplayableContent: isFilled(message['notification']),
  hasData: isFilled(message['data']),
}));
