import { expect, test } from 'vitest';
import { fcmContent } from './fcm-content.ts';

const openTracking = 'com.pusher.pushnotifications.OPEN_TRACKING';

// firebase.google.com, Firebase Cloud Messaging HTTP protocol (legacy), tables 1 and 2c; docs/wire/fcm.md has them all.
test.each<[string, object, object]>([
  ['title and body', { notification: { title: 'T', body: 'B' } }, { notification: { title: 'T', body: 'B' } }],
  ['image', { notification: { image: 'https://a.test/i.png' } }, { notification: { image: 'https://a.test/i.png' } }],
  [
    'data that is no text',
    { data: { a: 1, b: true, c: { d: [1] }, e: 'x' } },
    { data: { a: '1', b: 'true', c: '{"d":[1]}', e: 'x' } },
  ],
  ['priority', { priority: 'high' }, { android: { priority: 'HIGH' } }],
  ['collapse key', { collapse_key: 'k' }, { android: { collapse_key: 'k' } }],
  ['package', { restricted_package_name: 'com.shop' }, { android: { restricted_package_name: 'com.shop' } }],
  ['direct boot', { direct_boot_ok: true }, { android: { direct_boot_ok: true } }],
  [
    'how it looks',
    { notification: { android_channel_id: 'c', icon: 'i', sound: 's', tag: 't', color: '#fff' } },
    {
      android: {
        notification: { channel_id: 'c', icon: 'i', sound: 's', tag: 't', color: '#fff', click_action: openTracking },
      },
    },
  ],
  [
    'localized texts, arguments as JSON text or array',
    { notification: { title_loc_key: 'a', title_loc_args: '["x"]', body_loc_key: 'b', body_loc_args: ['y', 'z'] } },
    {
      android: {
        notification: { title_loc_key: 'a', title_loc_args: ['x'], body_loc_key: 'b', body_loc_args: ['y', 'z'] },
      },
    },
  ],
  [
    "Apple's parts",
    { notification: { title: 'T', subtitle: 'S', badge: '3' }, content_available: true, mutable_content: true },
    {
      apns: {
        payload: {
          aps: { alert: { title: 'T', subtitle: 'S' }, badge: 3, 'content-available': 1, 'mutable-content': 1 },
        },
      },
    },
  ],
  [
    "Apple's parts beside HTTP v1's own, which win",
    {
      content_available: true,
      notification: { badge: 3 },
      apns: { headers: { 'apns-priority': '5' }, payload: { own: 1, aps: { badge: 4, sound: 's' } } },
    },
    {
      apns: {
        headers: { 'apns-priority': '5' },
        payload: { own: 1, aps: { badge: 4, sound: 's', 'content-available': 1 } },
      },
    },
  ],
  [
    "HTTP v1's own parts",
    { android: { notification: { ticker: 'x' }, priority: 'NORMAL' }, fcm_options: { analytics_label: 'l' } },
    {
      android: { priority: 'NORMAL', notification: { ticker: 'x', click_action: openTracking } },
      fcm_options: { analytics_label: 'l' },
    },
  ],
])('%s', (_, legacy, message) => {
  expect(fcmContent.parse(legacy).message).toMatchObject(message);
});

test('a tap goes to the SDK, which is told what was to be done', () => {
  const { message, ...content } = fcmContent.parse({ notification: { title: 'T', click_action: 'OPEN' }, data: {} });
  expect(message).toMatchObject({ android: { notification: { click_action: openTracking } } });
  expect(content).toEqual({
    timeToLiveSeconds: 2_419_200,
    clickAction: 'OPEN',
    hasDisplayableContent: true,
    hasData: false,
  });
  expect(fcmContent.parse({ data: { a: 1 }, time_to_live: 0 })).toEqual({
    timeToLiveSeconds: 0,
    message: { data: { a: '1' }, android: {} },
    hasDisplayableContent: false,
    hasData: true,
  });
});

test.each<[object, string | undefined]>([
  [{ android: { notification: { click_action: 'OWN' } } }, 'OWN'],
  [{ notification: { click_action: 'OPEN' }, android: { notification: { click_action: 'OWN' } } }, 'OWN'],
  [{ notification: { click_action: 'OPEN' }, android: { notification: { title: 'T' } } }, 'OPEN'],
  // The app's SDK would start an activity without a name.
  [{ notification: { click_action: '' } }, undefined],
])('the tap of %j starts %s', (legacy, clickAction) => {
  const content = fcmContent.parse(legacy);
  expect(content.clickAction).toBe(clickAction);
  expect(content.message).toMatchObject({ android: { notification: { click_action: openTracking } } });
});

test.each<[object, boolean]>([
  [{ notification: { title: '', body: 'B' } }, true],
  [{ notification: { title_loc_key: 'a' } }, true],
  [{ android: { notification: { body: 'B' } } }, true],
  [{ notification: { title: '', icon: 'i' } }, false],
  [{ android: { notification: {} } }, false],
])('there is something to show in %j: %s', (legacy, hasDisplayableContent) => {
  expect(fcmContent.parse(legacy)).toMatchObject({ hasDisplayableContent });
});

test.each<[object, number]>([
  [{ android: { ttl: '5s' } }, 5],
  [{ android: { ttl: '3.9s' }, time_to_live: 60 }, 3],
  [{ android: { ttl: '9999999s' } }, 2_419_200],
  [{ android: {}, time_to_live: 60 }, 60],
])('%j is kept for %d s', (legacy, timeToLiveSeconds) => {
  expect(fcmContent.parse(legacy)).toMatchObject({ timeToLiveSeconds });
});

test.each<[object, string]>([
  [{ to: 'x' }, 'to'],
  [{ token: 'x' }, 'token'],
  [{ topic: 'x' }, 'topic'],
  [{ android: { ttl: 5 } }, 'android.ttl'],
  [{ android: { ttl: 'soon' } }, 'android.ttl'],
  [{ android: { data: {} } }, 'android.data'],
  [{ android: { notification: 'x' } }, 'android.notification'],
  [{ android: { notification: { click_action: 5 } } }, 'android.notification.click_action'],
  [{ apns: { payload: { aps: 1 } } }, 'apns.payload.aps'],
  [{ registration_ids: ['x'] }, 'registration_ids'],
  [{ condition: "'a' in topics" }, 'condition'],
  [{ dry_run: true }, 'dry_run'],
  [{ time_to_live: 2_419_201 }, 'time_to_live'],
  [{ priority: 'HIGH' }, 'priority'],
  [{ data: { pusher: 'x' } }, 'data'],
  [{ data: { 'google.x': 'x' } }, 'data'],
  [{ notification: { title: 1 } }, 'notification.title'],
  [{ notification: { title_loc_args: [1] } }, 'notification.title_loc_args'],
])('%j is refused, and named', (legacy, field) => {
  const { error } = fcmContent.safeParse(legacy);
  expect(error?.issues[0]?.path.join('.')).toBe(field);
  expect(error?.issues[0]?.message).not.toMatch(/^Invalid/);
});

test('keys that are not legacy pass through: FCM says what it thinks of them', () => {
  const { message } = fcmContent.parse({
    webpush: { a: 1 },
    notification: { title: 'T', ticker: 'x' },
    dry_run: false,
  });
  expect(message).toEqual({
    webpush: { a: 1 },
    notification: { title: 'T' },
    data: {},
    android: { notification: { ticker: 'x', click_action: openTracking } },
  });
});
