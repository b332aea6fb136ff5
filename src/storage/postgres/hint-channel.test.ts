import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Database } from './database.ts';
import { HintChannel } from './hint-channel.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('where a notification takes long, what is to be told does not pile up', async () => {
  const said: string[] = [];
  let answer = (): void => {};
  const run = (_statement: string, [, text]: readonly string[]) => {
    said.push(String(text));
    return new Promise<number>((resolve) => (answer = () => resolve(1)));
  };
  const channel = new HintChannel({
    ...{ database: { sql: { run } } as unknown as Database, listenUrl: '', nodeId: 'n' },
    ...{ onHint: () => {}, onGap: () => {} },
  });
  const tell = async (instanceId: string) => {
    channel.tell({ kind: 'event', instanceId });
    await vi.advanceTimersByTimeAsync(1_000);
  };
  await tell('a');
  expect(said).toHaveLength(1);
  for (let turn = 0; turn < 10; turn += 1) await tell('b');
  await tell('c');
  expect(said).toHaveLength(1);
  answer();
  await vi.waitFor(() => expect(said).toHaveLength(2));
  expect(said[1]?.match(/"instanceId":"\w"/g)).toEqual(['"instanceId":"b"', '"instanceId":"c"']);
  answer();
  const stopped = channel.stop();
  await expect(stopped).resolves.toBeUndefined();
  expect(said).toHaveLength(2);
});
