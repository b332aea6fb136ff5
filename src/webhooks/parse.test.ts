import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from './parse.ts';
import { WebhookError } from './webhook-error.ts';

const envelope = (type: string) => ({
  payload: { publish_id: 'pubid-1' },
  metadata: { created_at: '2019-03-11T10:42:16+0000', event_type: type, event_id: 'e', product: 'beams' },
  custom_data: {},
});
const standard = { type: 'v1.NotificationDisplayed', timestamp: '2026-01-02T03:04:05.678Z', data: { device_id: 'd' } };
const classic = { event: 'notification.clicked', id: 'p', userId: null, action: '' };
const parseOne = (body: unknown) => parse(JSON.stringify(body))[0];

test('each format gives its events, told apart by their type', () => {
  expect(parseOne(envelope('v1.UserNotificationOpen'))).toMatchObject({ type: 'v1.UserNotificationOpen', id: 'e' });
  expect(parseOne(standard)).toMatchObject({ type: standard.type, data: standard.data });
  expect(parseOne(classic)).toEqual({ type: 'notification.clicked', data: classic });
  const started = { publishId: 'pubid-1', status: 'STARTED', requestBody: {} };
  expect(parseOne(started)).toEqual({ type: 'publish.started', data: started });
  const finished = { ...started, status: 'FINISHED', results: {} };
  expect(parseOne(finished)).toEqual({ type: 'publish.finished', data: finished });
});

test('events for the operator are typed like the others', () => {
  const data = { instance_id: 'i', platform: 'apns', fingerprint: 'f', expires_at: '2026-01-02T03:04:05.678Z' };
  const [event] = parse(JSON.stringify({ ...standard, type: 'v1.CredentialsExpiring', data }));
  expect(event?.type === 'v1.CredentialsExpiring' && event.data.expires_at).toBe(data.expires_at);
  const disabled = { instance_id: 'i', webhook_id: 'w', reason: 'failing', since: data.expires_at };
  const [other] = parse(JSON.stringify({ ...standard, type: 'v1.WebhookDisabled', data: disabled }));
  expect(other?.type === 'v1.WebhookDisabled' && other.data.webhook_id).toBe('w');
});

test('an event of a later release is told by its name', () => {
  const data = { publish_id: 'pubid-1' };
  expect(parseOne(envelope('v9.New'))).toEqual({ type: 'unknown', name: 'v9.New', data });
  expect(parseOne({ ...standard, type: 'v9.New', data })).toEqual({ type: 'unknown', name: 'v9.New', data });
});

test('a batch gives its events in order', () => {
  const types = ['v1.UserNotificationOpen', 'v1.NotificationClicked'];
  const beams = { events: types.map(envelope) };
  expect(parse(Buffer.from(JSON.stringify(beams))).map(({ type }) => type)).toEqual(types);
  const data = { events: types.map((type) => ({ ...standard, id: `id of ${type}`, type })) };
  const events = parse(JSON.stringify({ type: 'batch', timestamp: standard.timestamp, data }));
  expect(events).toMatchObject(types.map((type) => ({ type, id: `id of ${type}`, data: standard.data })));
});

test.each([
  '',
  '{',
  'null',
  '5',
  '"text"',
  '{}',
  '[]',
  '{"events":[1]}',
  '{"events":[{}]}',
  '{"events":[{"events":[]}]}',
  JSON.stringify({ ...standard, timestamp: 'yesterday' }),
  JSON.stringify({ ...standard, data: [] }),
  JSON.stringify({ event: 'notification.other' }),
])('%j is nothing that Pharos sends', (text) => {
  expect(() => parse(text)).toThrow(WebhookError);
});

test('bytes that are no UTF-8 are refused', () => {
  expect(() => parse(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(/not UTF-8/);
});

test('any JSON gives events or a refusal in words', () => {
  const isInWords = (value: unknown) => {
    try {
      return parse(JSON.stringify(value)).every(({ type }) => typeof type === 'string');
    } catch (error) {
      return error instanceof WebhookError;
    }
  };
  expect(() => fc.assert(fc.property(fc.jsonValue(), isInWords))).not.toThrow();
});
