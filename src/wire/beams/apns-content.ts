import * as z from 'zod';
import type { ApnsContent } from '../../core/ports/gateway.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { isJsonObject } from '../http/json-body.ts';
import { expected, jsonObject } from './decode-body.ts';

/** Four weeks, in seconds, as on the other platforms when nothing is said. */
const defaultTimeToLiveSeconds = 2_419_200;

const data = expected('an object without the key `pusher`');
const expiration = expected('a time in seconds since 1970, or 0 for "now or never"');
/** "A value longer than 64 bytes is an error" (Apple, Sending notification requests to APNs, `apns-collapse-id`). */
const collapseId = expected('1 to 64 printable ASCII characters, without a blank at either end');
const priority = expected('5 or 10');

/** What the documentation also shows without `aps` around it. */
const apsKeys = ['alert', 'badge', 'sound'];

const settings = {
  aps: jsonObject.exactOptional(),
  data: z
    .custom<JsonObject>((value) => isJsonObject(value) && !Object.hasOwn(value, 'pusher'), { error: data })
    .exactOptional(),
  expiration: z.int({ error: expiration }).min(0, { error: expiration }).exactOptional(),
  // It becomes a header.
  collapse_id: z
    .string({ error: collapseId })
    .regex(/^(?! )[\x20-\x7e]{1,64}(?<! )$/, { error: collapseId })
    .exactOptional(),
  priority: z.union([z.literal(5), z.literal(10)], { error: priority }).exactOptional(),
  pusher: z
    .object(
      { disable_delivery_tracking: z.boolean({ error: expected('true or false') }).exactOptional() },
      { error: expected('an object') },
    )
    .exactOptional(),
};

/** The `apns` of a publish: the payload, and beside its `aps` what becomes headers. Other keys are part of the payload. */
export const apnsContent = (now: () => number) =>
  z
    .looseObject(settings, { error: expected('an object') })
    .transform(({ aps, expiration: expiresAt, collapse_id: id, priority: asked, pusher, ...rest }): ApnsContent => {
      const others = rest as JsonObject;
      const entries = Object.entries(others);
      const payload = aps
        ? { ...others, aps }
        : {
            ...Object.fromEntries(entries.filter(([key]) => !apsKeys.includes(key))),
            aps: Object.fromEntries(entries.filter(([key]) => apsKeys.includes(key))),
          };
      return {
        timeToLiveSeconds: expiresAt === undefined ? defaultTimeToLiveSeconds : secondsUntil(expiresAt, now()),
        ...(expiresAt !== undefined && expiresAt > 0 && { expiresAtSeconds: expiresAt }),
        payload,
        ...(id !== undefined && { collapseId: id }),
        ...(asked !== undefined && { priority: asked }),
        tracksDelivery: pusher?.disable_delivery_tracking !== true,
      };
    });

/** A time that is over means what 0 means: Apple tries once. */
const secondsUntil = (expiresAt: number, now: number): number => Math.max(0, expiresAt - Math.floor(now / 1000));
