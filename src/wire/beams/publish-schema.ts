import * as z from 'zod';
import type { PublishContent } from '../../core/ports/publish-body.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { isJsonObject } from '../http/json-body.ts';
import { apnsContent } from './apns-content.ts';
import { expected } from './decode-body.ts';
import { fcmContent } from './fcm-content.ts';
import { isInterestName, isUserId, maxUserIdLength } from './names.ts';

/** "`time_to_live` seconds (0–2419200, default 4 weeks)" */
const maxTimeToLiveSeconds = 2_419_200;

const text = (maxLength: number) => {
  const error = expected(`a string of at most ${maxLength} characters`);
  return z.string({ error }).max(maxLength, { error }).exactOptional();
};

/** What does not fit into a push (4096 bytes) need not be taken. */
const notification = z.object(
  {
    title: text(4096),
    body: text(4096),
    icon: text(4096),
    deep_link: text(4096),
    hide_notification_if_site_has_focus: z.boolean({ error: expected('true or false') }).exactOptional(),
  },
  { error: expected('an object') },
);

const timeToLive = expected(`a whole number of seconds from 0 to ${maxTimeToLiveSeconds}`);

const web = z.object(
  {
    time_to_live: z
      .int({ error: timeToLive })
      .min(0, { error: timeToLive })
      .max(maxTimeToLiveSeconds, { error: timeToLive })
      .default(maxTimeToLiveSeconds),
    notification: notification.default({}),
    // "`data` any object without the key `pusher`": that key is ours in the push.
    data: z
      .custom<JsonObject>((value) => isJsonObject(value) && !Object.hasOwn(value, 'pusher'), {
        error: expected('an object without the key `pusher`'),
      })
      .default({}),
  },
  { error: expected('an object') },
);

const names = (max: number, what: string, isName: (name: string) => boolean, rule: string) => {
  const count = expected(`an array of 1 to ${max} ${what}`);
  const name = z.string({ error: expected(rule) }).refine(isName, { error: expected(rule) });
  return z.array(name, { error: count }).min(1, { error: count }).max(max, { error: count });
};

const interests = names(
  100,
  'interests',
  isInterestName,
  'an interest name (1 to 164 characters of A-Z a-z 0-9 _ - = @ , . ;)',
);
const users = names(1000, 'user ids', isUserId, `a user id (a string of 1 to ${maxUserIdLength} characters)`);

const content = (allowHttpWebhooks: boolean) => {
  const webhookUrl = expected(`a valid ${allowHttpWebhooks ? 'http or https' : 'https'} URL without fragment`);
  const protocol = allowHttpWebhooks ? /^https?:$/ : /^https:$/;
  const isWebhookUrl = (url: string): boolean => protocol.test(URL.parse(url)?.protocol ?? '') && !url.includes('#');
  return {
    webhookUrl: z.string({ error: webhookUrl }).refine(isWebhookUrl, { error: webhookUrl }).exactOptional(),
    web: web.exactOptional(),
    fcm: fcmContent.exactOptional(),
    apns: apnsContent(Date.now).exactOptional(),
  };
};

type Content = z.output<z.ZodObject<ReturnType<typeof content>>>;

/** "At least one of `apns`, `fcm`, `web`." */
const hasPlatform = (body: Content): boolean => Boolean(body.apns ?? body.fcm ?? body.web);
const platformRequired = { path: ['apns, fcm, web'], error: 'at least one of them is required' };

export const interestsPublish = (allowHttpWebhooks: boolean) =>
  z.object({ interests, ...content(allowHttpWebhooks) }).refine(hasPlatform, platformRequired);

export const usersPublish = (allowHttpWebhooks: boolean) =>
  z.object({ users, ...content(allowHttpWebhooks) }).refine(hasPlatform, platformRequired);

/** What core keeps of a validated publish. */
export const publishContent = ({ web: webPart, fcm, apns }: Content): PublishContent => ({
  ...(webPart && {
    web: {
      timeToLiveSeconds: webPart.time_to_live,
      notification: webPart.notification,
      data: webPart.data,
    },
  }),
  ...(fcm && { fcm }),
  ...(apns && { apns }),
});
