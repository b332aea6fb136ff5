import { expect, test } from 'vitest';
import { createPushEndpointRules } from './push-endpoint-rules.ts';

const rules = createPushEndpointRules();

test.each([
  'https://fcm.googleapis.com/fcm/send/abc',
  'https://fcm.googleapis.com:443/fcm/send/abc',
  'https://FCM.googleapis.com/fcm/send/abc',
  'https://jmt17.google.com/fcm/send/abc',
  'https://updates.push.services.mozilla.com/wpush/v2/abc',
  'https://web.push.apple.com/abc',
  'https://wns2-bl2p.notify.windows.com/w/?token=abc',
])('%s may be used', (endpoint) => {
  expect(rules.refusal(endpoint)).toBeNull();
});

test.each([
  ['not a url', 'not a URL'],
  ['http://fcm.googleapis.com/x', 'https'],
  ['https://user:pass@fcm.googleapis.com/x', 'credentials'],
  ['https://fcm.googleapis.com:8443/x', 'fcm.googleapis.com:8443'],
  ['https://evil.example/x', 'evil.example'],
  ['https://fcm.googleapis.com.evil.example/x', 'evil.example'],
  ['https://fcm.googleapis.com./x', 'not an allowed'],
  ['https://evilfcm.googleapis.com/x', 'not an allowed'],
  ['https://evilnotify.windows.com/x', 'not an allowed'],
  ['https://notify.windows.com/x', 'not an allowed'],
  ['https://127.0.0.1/x', '127.0.0.1'],
  ['https://0x7f.1/x', '127.0.0.1'],
  ['https://[::1]/x', '[::1]'],
])('%s is refused', (endpoint, words) => {
  expect(rules.refusal(endpoint)).toContain(words);
});

test('a pattern can name a port', () => {
  const local = createPushEndpointRules(['push.test:8443', '*.push.test']);
  expect(local.refusal('https://push.test:8443/x')).toBeNull();
  expect(local.refusal('https://push.test/x')).not.toBeNull();
  expect(local.refusal('https://a.b.push.test/x')).toBeNull();
  expect(local.refusal('https://a.push.test:8443/x')).not.toBeNull();
});

test.each(['', '*', 'https://push.test', 'push.test/path', 'a.*.test', 'user@push.test'])(
  '%s is no pattern',
  (pattern) => {
    expect(() => createPushEndpointRules([pattern])).toThrow('not a push endpoint host');
  },
);
