import { expect, test } from 'vitest';
import { sdkTracksDelivery } from './delivery-tracking.ts';

test.each([
  ['fcm', '0.9.12', false],
  ['fcm', '0.9.13', true],
  ['fcm', '0.10.0', true],
  ['fcm', '1.0.0', true],
  ['apns', '0.9.99', false],
  ['apns', '0.10.5', false],
  ['apns', '0.10.6', true],
  ['apns', '1.2.0', true],
  ['web', '0.99.99', false],
  ['web', '0.9.0-beta.1', false],
  ['web', '1.0.0', true],
  ['web', '2.1.0', true],
  ['web', 'pharos-0.1.0', true],
  ['web', '', true],
  ['web', 0.9, true],
  ['web', null, true],
] as const)('an SDK of %s that says %j reports deliveries: %s', (platform, sdkVersion, tracks) => {
  expect(sdkTracksDelivery(platform, JSON.stringify({ sdkVersion }))).toBe(tracks);
});

test('a device without a version is not known to be old', () => {
  expect(sdkTracksDelivery('fcm', '{}')).toBe(true);
});
