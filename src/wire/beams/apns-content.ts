import type { ApnsContent } from '../../core/ports/gateway.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { jsonObject } from './decode-body.ts';

/** Four weeks, as long as the other platforms keep a push when nothing is said. */
const defaultTimeToLiveSeconds = 2_419_200;

/** The `apns` of a publish: a payload, and what becomes headers beside it. */
export const apnsContent = jsonObject.transform((payload: JsonObject): ApnsContent => ({
  timeToLiveSeconds: defaultTimeToLiveSeconds,
  payload,
  tracksDelivery: true,
}));
