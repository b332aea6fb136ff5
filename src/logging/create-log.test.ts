import { describe, expect, it } from 'vitest';
import type { LogFields } from '../core/ports/log.ts';
import { createLog } from './create-log.ts';

function capture(level: 'info' | 'warn' = 'info') {
  const lines: string[] = [];
  return { lines, log: createLog({ level, destination: { write: (line) => void lines.push(line) } }) };
}

describe('log', () => {
  it('writes one JSON line an event', () => {
    const { lines, log } = capture();
    log.info('publish.accepted', { instanceId: 'a', targets: 3 });
    log.warn('push.throttled');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        event: 'publish.accepted',
        instanceId: 'a',
        targets: 3,
      },
      { level: 'warn', time: expect.any(String), event: 'push.throttled' },
    ]);
    expect(lines[0]).toMatch(/}\n$/);
  });

  it('leaves out what is below its level', () => {
    const { lines, log } = capture('warn');
    log.info('range.turn');
    log.error('range.failed');
    expect(lines).toHaveLength(1);
  });

  const hush = 'hush-hush-4711';
  it.each<[string, LogFields]>([
    ['fields with telling names', { secretKey: hush, adminToken: hush, Authorization: hush, body: { a: hush } }],
    ['user info of URLs', { url: `https://me:${hush}@site.example/hook`, other: new URL(`https://${hush}@a.example`) }],
    ['credentials in texts', { reason: `sent Authorization: Bearer ${hush}` }],
    ['errors and their causes', { error: new Error('no', { cause: new Error(`https://u:${hush}@a.example`) }) }],
    ['nested fields', { webhook: { list: [{ secret: hush }] } }],
    ['bytes', { bytes: Buffer.from(hush) }],
    ['addresses of devices', { endpoint: `https://fcm.googleapis.com/${hush}`, device: { address: hush } }],
  ])('never writes secrets: %s', (_, fields) => {
    const { lines, log } = capture();
    log.error('stage.failed', fields);
    expect(lines.join('')).not.toContain(hush);
    expect(lines.join('')).not.toContain([...Buffer.from(hush)].slice(0, 4).join());
    expect(lines.join('')).toContain('[redacted]');
  });

  it('keeps what helps: message and stack of an error, ids, addresses without user info', () => {
    const { lines, log } = capture();
    log.error('message.failed', { error: new TypeError('broken'), origin: 'https://a.example', messageId: 'm' });
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      origin: 'https://a.example',
      messageId: 'm',
      error: { name: 'TypeError', message: 'broken', stack: expect.stringContaining('create-log.test.ts') },
    });
  });
});
