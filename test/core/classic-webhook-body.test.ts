import { expect, test } from 'vitest';
import blocks from '../browser/classic-blocks.json' with { type: 'json' };
import { renderClassicWebhook } from '../../src/core/webhooks/render-message.ts';

const example = JSON.parse(blocks[1]?.codes[0]?.code ?? '') as Readonly<Record<string, unknown>>;
const exampleWithout = (...keys: readonly string[]) =>
  Object.fromEntries(Object.entries(example).filter(([key]) => !keys.includes(key)));

const publishId = 'ed46884e-0e3f-4373-9e11-e28f27746d3d';
const device = { platform: 'web', deviceId: '8086231d-97fc-4065-999e-1c7ea5e540b9' } as const;
const clicked = { eventType: 'v1.NotificationClicked', publishId, device, action: '' } as const;
const shown = { ...clicked, action: null };
const notification = {
  title: 'Notification title',
  body: 'Notification message',
  deep_link: 'https://site.com/notification_url_to_launch',
  icon: 'https://onesignal.com/images/notification_logo.png',
  // What the example does not have.
  image: 'https://site.com/image.png',
  buttons: [{ id: 'like', text: 'Like', url: 'https://site.com/liked' }],
};
const data = { key1: 'value1', key2: 'value2' };
const sent = { notification, data };
const only = (...keys: readonly string[]) =>
  Object.fromEntries(Object.entries(notification).filter(([key]) => keys.includes(key)));

test.each([
  ["OneSignal's own example", clicked, sent, example],
  ['a button: the URL is not the button’s', { ...clicked, action: 'like' }, sent, { ...example, action: 'like' }],
  [
    'displayed',
    { ...shown, eventType: 'v1.NotificationDisplayed' } as const,
    sent,
    { ...exampleWithout('action'), event: 'notification.displayed' },
  ],
  [
    'dismissed',
    { ...shown, eventType: 'v1.NotificationDismissed' } as const,
    sent,
    { ...exampleWithout('action'), event: 'notification.dismissed' },
  ],
  ['no title', clicked, { notification: only('body', 'deep_link', 'icon'), data }, exampleWithout('heading')],
  ['no body', clicked, { notification: only('title', 'deep_link', 'icon'), data }, exampleWithout('content')],
  ['no launch URL', clicked, { notification: only('title', 'body', 'icon', 'buttons'), data }, exampleWithout('url')],
  ['no icon', clicked, { notification: only('title', 'body', 'deep_link', 'image'), data }, exampleWithout('icon')],
  ['no data', clicked, { notification, data: {} }, exampleWithout('data')],
  ['nothing for browsers', clicked, undefined, exampleWithout('heading', 'content', 'url', 'icon', 'data')],
  ['a device that is forgotten', { ...clicked, device: null }, sent, { ...example, userId: null }],
])('the classic body: %s', (_, message, content, body) => {
  // As text, since the order of the keys is OneSignal's too.
  expect(JSON.stringify(renderClassicWebhook(message, content))).toBe(JSON.stringify(body));
});
