import * as z from 'zod';
import type { FcmContent } from '../../core/ports/gateway.ts';
import type { JsonObject, JsonValue } from '../../protocol/json.ts';
import { isJsonObject, parseJson } from '../http/json-body.ts';
import { expected, jsonObject } from './decode-body.ts';

/**
 * The `fcm` of a publish has the form of FCM's legacy downstream API, which Google shut in 2024. Here it becomes a
 * message of the HTTP v1 API; `docs/wire/fcm.md` has the table. Of the legacy keys none is dropped: what cannot be translated
 * is refused. "Unknown keys inside `fcm` pass through to the gateway", so HTTP v1's own can be used.
 */

/** Four weeks, in seconds: the longest that FCM keeps a message, and what it does when nothing is said. */
const maxTimeToLiveSeconds = 2_419_200;

/** The app's SDK starts this activity itself, so that it sees the tap; what was asked for goes to it in `data.pusher`. */
const openTracking = 'com.pusher.pushnotifications.OPEN_TRACKING';

const text = z.string({ error: expected('a string') }).exactOptional();
const flag = z.boolean({ error: expected('true or false') }).exactOptional();

const argumentsRule = expected('an array of strings, or such an array as JSON text');

/** Legacy senders wrote the array as a string. */
const localizationArguments = z
  .unknown()
  .transform((value, context): readonly string[] => {
    const parsed = typeof value === 'string' ? parseJson(value) : value;
    if (Array.isArray(parsed) && parsed.every((item) => typeof item === 'string')) return parsed;
    context.addIssue({ code: 'custom', message: argumentsRule({ input: value }) });
    return z.NEVER;
  })
  .exactOptional();

const notification = z.looseObject(
  {
    title: text,
    body: text,
    image: text,
    android_channel_id: text,
    icon: text,
    sound: text,
    tag: text,
    color: text,
    click_action: text,
    body_loc_key: text,
    body_loc_args: localizationArguments,
    title_loc_key: text,
    title_loc_args: localizationArguments,
    badge: z.union([z.string(), z.number()], { error: expected('a number') }).exactOptional(),
    subtitle: text,
  },
  { error: expected('an object') },
);

/** "The key should not be a reserved word (from, message_type, or any word starting with google or gcm)" */
const reservedDataKey = /^(?:from$|message_type$|google|gcm)/;
const dataRule = expected('an object without the keys `pusher`, `from`, `message_type`, `google…` and `gcm…`');
const isData = (value: unknown): value is JsonObject =>
  isJsonObject(value) && Object.keys(value).every((key) => key !== 'pusher' && !reservedDataKey.test(key));

const chosenByTarget = z
  .undefined({ error: 'is not taken: who receives a publish is said by `interests` or `users`' })
  .optional();

const duration = expected('seconds with an `s`, such as "3600s"');
const inData = z.undefined({
  error: 'is not taken: it would take the place of `data`, and of what the SDK reads there',
});

/** HTTP v1's own: what the legacy keys become is put into it. */
const android = z.looseObject(
  {
    ttl: z
      .string({ error: duration })
      .regex(/^\d{1,7}(?:\.\d{1,9})?s$/, { error: duration })
      .exactOptional(),
    notification: z.looseObject({ click_action: text }, { error: expected('an object') }).exactOptional(),
    data: inData.optional(),
  },
  { error: expected('an object') },
);
const apns = z.looseObject(
  {
    payload: z.looseObject({ aps: jsonObject.exactOptional() }, { error: expected('an object') }).exactOptional(),
  },
  { error: expected('an object') },
);

const timeToLive = expected(`a whole number of seconds from 0 to ${maxTimeToLiveSeconds}`);
const priority = expected('"normal" or "high"');

export const fcmContent = z
  .looseObject(
    {
      notification: notification.exactOptional(),
      data: z.custom<JsonObject>(isData, { error: dataRule }).exactOptional(),
      priority: z.enum(['normal', 'high'], { error: priority }).exactOptional(),
      time_to_live: z
        .int({ error: timeToLive })
        .min(0, { error: timeToLive })
        .max(maxTimeToLiveSeconds, { error: timeToLive })
        .exactOptional(),
      collapse_key: text,
      restricted_package_name: text,
      direct_boot_ok: flag,
      content_available: flag,
      mutable_content: flag,
      android: android.exactOptional(),
      apns: apns.exactOptional(),
      token: chosenByTarget,
      topic: chosenByTarget,
      to: chosenByTarget,
      registration_ids: chosenByTarget,
      condition: chosenByTarget,
      notification_key: chosenByTarget,
      dry_run: z.literal(false, { error: 'cannot be true: a publish is sent, or not made' }).exactOptional(),
    },
    { error: expected('an object') },
  )
  .transform(translate);

interface LegacyMessage {
  readonly notification?: z.output<typeof notification>;
  readonly data?: JsonObject;
  readonly priority?: 'normal' | 'high';
  readonly time_to_live?: number;
  readonly collapse_key?: string;
  readonly restricted_package_name?: string;
  readonly direct_boot_ok?: boolean;
  readonly content_available?: boolean;
  readonly mutable_content?: boolean;
  readonly android?: z.output<typeof android>;
  readonly apns?: z.output<typeof apns>;
}

/** They have been translated, or say what every publish does. */
const legacyKeys = [
  ...['notification', 'data', 'priority', 'time_to_live', 'collapse_key', 'restricted_package_name', 'direct_boot_ok'],
  ...['content_available', 'mutable_content', 'android', 'apns', 'dry_run'],
];
const legacyNotificationKeys = Object.keys(notification.shape);

function translate(legacy: LegacyMessage): FcmContent {
  const { notification: shown, data = {} } = legacy;
  const { title, body, image } = shown ?? {};
  const onAndroid = legacy.android?.notification;
  // An empty one is no activity: the app's SDK would start it all the same.
  const clickAction = onAndroid?.click_action || shown?.click_action;
  const texts = ['title', 'body', 'title_loc_key', 'body_loc_key'] as const;
  return {
    timeToLiveSeconds: timeToLiveOf(legacy),
    message: {
      ...without(legacyKeys, legacy),
      ...(shown && { notification: given({ title, body, image }) }),
      data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, toText(value)])),
      android: androidOf(legacy),
      ...appleOf(legacy),
    },
    ...(clickAction && { clickAction }),
    hasDisplayableContent: texts.some((text) => shown?.[text] || onAndroid?.[text]),
    hasData: Object.keys(data).length > 0,
  };
}

/** What HTTP v1 says of its own comes first, as in all of `android`. */
function timeToLiveOf({ android: own, time_to_live: seconds = maxTimeToLiveSeconds }: LegacyMessage): number {
  return own?.ttl === undefined ? seconds : Math.min(Math.floor(Number.parseFloat(own.ttl)), maxTimeToLiveSeconds);
}

function androidOf({ notification: shown, ...legacy }: LegacyMessage): JsonObject {
  const { notification: more, ...others } = legacy.android ?? {};
  return {
    ...given({
      priority: legacy.priority?.toUpperCase(),
      collapse_key: legacy.collapse_key,
      restricted_package_name: legacy.restricted_package_name,
      direct_boot_ok: legacy.direct_boot_ok,
    }),
    ...others,
    ...((shown || more) && {
      notification: {
        ...given({
          channel_id: shown?.android_channel_id,
          icon: shown?.icon,
          sound: shown?.sound,
          tag: shown?.tag,
          color: shown?.color,
          body_loc_key: shown?.body_loc_key,
          body_loc_args: shown?.body_loc_args,
          title_loc_key: shown?.title_loc_key,
          title_loc_args: shown?.title_loc_args,
        }),
        ...(shown && without(legacyNotificationKeys, shown)),
        ...more,
        click_action: openTracking,
      },
    }),
  };
}

/** The legacy form has them beside Android's; a registration token may be that of an app on an Apple device. HTTP v1's own win. */
function appleOf({ notification: shown, ...legacy }: LegacyMessage): JsonObject {
  const aps = given({
    'content-available': legacy.content_available ? 1 : undefined,
    'mutable-content': legacy.mutable_content ? 1 : undefined,
    badge: shown?.badge === undefined ? undefined : Number(shown.badge),
    alert: shown?.subtitle === undefined ? undefined : given({ ...appleAlert(shown) }),
  });
  const { apns: own } = legacy;
  if (Object.keys(aps).length === 0) return own ? { apns: own as JsonObject } : {};
  return { apns: { ...own, payload: { ...own?.payload, aps: { ...aps, ...own?.payload?.aps } } } };
}

/** An alert of one's own takes the place of the notification's. */
const appleAlert = ({ title, body, subtitle }: z.output<typeof notification>) => ({ title, body, subtitle });

/** FCM's data holds only strings. */
const toText = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value));

const without = (keys: readonly string[], fields: object): JsonObject =>
  Object.fromEntries(Object.entries(fields as JsonObject).filter(([key]) => !keys.includes(key)));

const given = (fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
