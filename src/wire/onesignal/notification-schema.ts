import * as z from 'zod';
import type { JsonObject } from '../../protocol/json.ts';
import { isJsonObject } from '../http/json-body.ts';
import { parseSendAfter } from './send-after.ts';

/** "ttl (default 259200, max 2419200)" */
const defaultTtlSeconds = 259_200;
const maxTtlSeconds = 2_419_200;
const maxNames = 2_000;
const maxFilters = 200;

const must = (what: string) => ({ error: `must be ${what}` });
const text = (max: number) => z.string(must('a string')).max(max, must(`at most ${max} characters`));
const plain = (value: string): boolean => value.isWellFormed() && !value.includes('\0');
const list = (what: string) =>
  z
    .array(text(256).refine(plain, must('valid unicode text')), must(`a list of ${what}`))
    .max(maxNames, must(`at most ${maxNames} ${what}`))
    .exactOptional();
const flag = z.boolean(must('true or false')).exactOptional();

const webUrl = text(2048)
  .refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ''), must('an absolute http or https URL'))
  .exactOptional();
const picture = text(2048).exactOptional();
const translations = z.record(z.string(), text(4096), must('an object of texts by language')).exactOptional();

const button = z.object(
  { id: text(128).min(1, must('1 to 128 characters')), text: text(256), icon: picture, url: webUrl },
  must('an object with id and text'),
);

const tagCondition = z.object({
  field: z.literal('tag', must('"tag": other fields are not known')),
  key: text(128),
  relation: z.enum(['=', '!=', '>', '<', 'exists', 'not_exists'], must('one of = != > < exists not_exists')),
  value: z.union([z.string(), z.number(), z.boolean()]).transform(String).exactOptional(),
});
const operator = z.object({ operator: z.enum(['AND', 'OR'], must('AND or OR')) });

const names = z
  .array(text(256).refine(plain, must('valid unicode text')))
  .max(maxNames, must(`at most ${maxNames} names`));

/** Body of `POST /notifications`, without its nulls. Keys that are not here are for other kinds of devices. */
export const notificationRequest = (now: () => number) =>
  z.object({
    app_id: z.string(),
    contents: translations,
    headings: translations,
    url: webUrl,
    web_url: webUrl,
    data: z.custom<JsonObject>(isJsonObject, must('an object')).exactOptional(),
    chrome_web_icon: picture,
    chrome_web_image: picture,
    chrome_web_badge: picture,
    firefox_icon: picture,
    web_buttons: z
      .array(button, must('a list of buttons'))
      .max(10, must('at most 10 buttons'))
      .refine((buttons) => new Set(buttons.map(({ id }) => id)).size === buttons.length, must('a list with unique ids'))
      .exactOptional(),
    web_push_topic: text(256).exactOptional(),
    ttl: z
      .int(must('a whole number of seconds'))
      .min(0, must('0 or more seconds'))
      .max(maxTtlSeconds, must(`at most ${maxTtlSeconds} seconds`))
      .default(defaultTtlSeconds),
    priority: z.number(must('a number')).exactOptional(),
    send_after: z
      .string({ error: 'send_after must be a date in a string' })
      .transform((given, context) => {
        const parsed = parseSendAfter(given, now());
        if ('sendAfter' in parsed) return parsed.sendAfter;
        context.issues.push({ code: 'custom', message: parsed.mistake, input: given });
        return z.NEVER;
      })
      .exactOptional(),
    name: text(128).exactOptional(),
    idempotency_key: z
      .string(must('a UUID'))
      .regex(/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i, must('a UUID'))
      .exactOptional(),
    included_segments: list('segments'),
    excluded_segments: list('segments'),
    include_subscription_ids: list('ids'),
    include_player_ids: list('ids'),
    include_aliases: z
      .object({ external_id: names.exactOptional(), onesignal_id: names.exactOptional() }, must('an object of lists'))
      .exactOptional(),
    target_channel: z.string(must('a string')).exactOptional(),
    include_external_user_ids: list('ids'),
    filters: z
      .array(z.union([tagCondition, operator], must('a list of tag conditions and operators')), must('a list'))
      .max(maxFilters, must(`at most ${maxFilters} conditions`))
      .exactOptional(),
    isAnyWeb: flag,
    isChromeWeb: flag,
    isFirefox: flag,
    isSafari: flag,
    isIos: flag,
    isAndroid: flag,
    isHuawei: flag,
    isAdm: flag,
    isWP_WNS: flag,
    isChrome: flag,
  });

export type NotificationRequest = z.output<ReturnType<typeof notificationRequest>>;

/** The first thing that is wrong, in words; texts that name their field already stand alone. */
export function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  const field = issue?.path.map(String).join('.') ?? '';
  const message = issue?.message ?? 'is not valid';
  return message.startsWith(field) ? message : `${field} ${message}`;
}
