import { expect, test } from 'vitest';
import type { ClaimedMessage } from '../ports/message-store.ts';
import { createErasedNames } from './erased-names.ts';

const about = (name: string | null): ClaimedMessage =>
  ({ instanceId: 'shop', user: name === null ? null : { name } }) as ClaimedMessage;

test('who was erased since a message was claimed is left out of it, for a while; who has the name later is not', () => {
  let now = 1_000;
  const names = createErasedNames(() => now);
  const userOf = (message: ClaimedMessage, claimedAt: number) => names.leaveOut([message], claimedAt)[0].user;
  expect(userOf(about('anna'), 1_000)).toEqual({ name: 'anna' });
  names.add({ instanceId: 'shop', user: 'anna' });
  expect([userOf(about('anna'), 1_000), userOf(about('anna'), 1_001)]).toEqual(['erased', { name: 'anna' }]);
  expect([userOf(about('berta'), 0), userOf(about(null), 0)]).toEqual([{ name: 'berta' }, null]);
  expect(userOf({ ...about('anna'), instanceId: 'other' }, 0)).toEqual({ name: 'anna' });
  now += 60_000;
  names.add({ instanceId: 'shop', user: 'berta' });
  expect([userOf(about('anna'), 0), userOf(about('berta'), 0)]).toEqual([{ name: 'anna' }, 'erased']);
});
