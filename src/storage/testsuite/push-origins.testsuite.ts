import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { OpenStore } from './fixtures.ts';

export function pushOriginsSuite(open: OpenStore): void {
  describe('push origins', () => {
    test('are remembered while they are not normal', async () => {
      const store = await open();
      const origin = `https://${randomUUID()}.example`;
      const find = async () => (await store.listPushOrigins()).find((record) => record.origin === origin);
      expect(await find()).toBeUndefined();
      expect(await runOne(store.savePushOrigins, { origin, state: 'braked', since: 5 })).toBe('saved');
      expect(await find()).toEqual({ origin, state: 'braked', since: 5 });
      await runOne(store.savePushOrigins, { origin, state: 'released', since: 7 });
      expect(await find()).toEqual({ origin, state: 'released', since: 7 });
      await runOne(store.savePushOrigins, { origin, state: 'normal', since: 9 });
      expect(await find()).toBeUndefined();
    });
  });
}
