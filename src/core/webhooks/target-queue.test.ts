import { expect, test } from 'vitest';
import { createTargetQueue } from './target-queue.ts';

test('instances take turns, and each has its targets as they came, each once', () => {
  const queue = createTargetQueue(10);
  for (const text of ['a 1', 'a 2', 'a 3', 'b 1', 'a 1', 'c 1', 'c 2']) {
    const [instanceId = '', target = ''] = text.split(' ');
    queue.add({ instanceId, target });
  }
  queue.remove({ instanceId: 'a', target: '2' });
  queue.remove({ instanceId: 'd', target: '1' });
  expect(queue.size()).toBe(5);
  const taken = Array.from({ length: 6 }, () => queue.take()).map(
    (turn) => turn && `${turn.instanceId} ${turn.target}`,
  );
  expect(taken).toEqual(['a 1', 'b 1', 'c 1', 'a 3', 'c 2', undefined]);
  expect(queue.size()).toBe(0);
});

test('a full queue takes nobody else', () => {
  const queue = createTargetQueue(1);
  for (const target of ['1', '2']) queue.add({ instanceId: 'a', target });
  expect([queue.take()?.target, queue.take()]).toEqual(['1', undefined]);
});
