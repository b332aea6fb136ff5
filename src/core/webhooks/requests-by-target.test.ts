import { expect, test } from 'vitest';
import type { ClaimedMessage } from '../ports/message-store.ts';
import { keyOf, requestsByTarget } from './requests-by-target.ts';

const message = (messageId: string, target: string, batchId: string | null = null, instanceId = 'i') =>
  ({ instanceId, target, messageId, batchId }) as ClaimedMessage;

test('each message alone, those of a batch together, whatever comes between them', () => {
  const claimed = [
    message('1', 'a'),
    message('2', 'b', 'first'),
    message('3', 'b', 'second'),
    message('4', 'a'),
    message('5', 'b', 'first'),
    message('6', 'a', null, 'other'),
  ];
  const requests = [...requestsByTarget(claimed)].map(([key, all]) => [
    key,
    all.map((request) => request.map(({ messageId }) => messageId)),
  ]);
  expect(requests).toEqual([
    [keyOf({ instanceId: 'i', target: 'a' }), [['1'], ['4']]],
    [keyOf({ instanceId: 'i', target: 'b' }), [['2', '5'], ['3']]],
    [keyOf({ instanceId: 'other', target: 'a' }), [['6']]],
  ]);
  expect([...requestsByTarget([])]).toEqual([]);
});
