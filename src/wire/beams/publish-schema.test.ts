import { expect, test } from 'vitest';
import { interestsPublish, publishContent, usersPublish } from './publish-schema.ts';

test.each([
  { url: 'https://a.example/x?y', allowHttp: false, valid: true },
  { url: 'https://user:pass@a.example', allowHttp: false, valid: true },
  { url: 'http://a.example', allowHttp: false, valid: false },
  { url: 'http://a.example', allowHttp: true, valid: true },
  { url: 'ftp://a.example', allowHttp: true, valid: false },
  { url: 'https://a.example/#', allowHttp: true, valid: false },
  { url: 'https://a.example/#part', allowHttp: false, valid: false },
  { url: 'a.example', allowHttp: true, valid: false },
  { url: 'https://', allowHttp: true, valid: false },
])('webhookUrl $url, http allowed: $allowHttp', ({ url, allowHttp, valid }) => {
  expect(interestsPublish(allowHttp).safeParse({ interests: ['a'], fcm: {}, webhookUrl: url }).success).toBe(valid);
  expect(usersPublish(allowHttp).safeParse({ users: ['a'], apns: {}, webhookUrl: url }).success).toBe(valid);
});

test('what core gets of browsers: defaults, and nothing unknown', () => {
  const body = interestsPublish(false).parse({ interests: ['a'], web: { unknown: 1 }, ignored: true });
  expect(publishContent(body)).toEqual({ web: { timeToLiveSeconds: 2_419_200, notification: {}, data: {} } });
});

test('keys that pages could misuse stay what they are: data', () => {
  const text = '{"interests":["a"],"web":{"data":{"__proto__":{"polluted":true}}}}';
  const content = publishContent(interestsPublish(false).parse(JSON.parse(text)));
  expect(JSON.stringify(content.web?.data)).toBe('{"__proto__":{"polluted":true}}');
  expect('polluted' in {}).toBe(false);
});
