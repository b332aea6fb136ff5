import { expect, test } from 'vitest';
import { packCalls, packReplies, unpackCalls, unpackReplies } from './sent-calls.ts';
import type { Call, Reply } from './thread-protocol.ts';

const asText: Call = { id: 2, name: 'recordReports', input: [{ action: 'a\ud800"' }] };
const copied: Call[] = [1, 3].map((id) => ({ id, name: 'reseal', input: [Uint8Array.of(id)] }));

test('calls arrive in the order in which they were made, however each of them travels', () => {
  const calls = [copied[0], asText, copied[1]] as Call[];
  const sent = packCalls(calls);
  expect(sent).toEqual({ json: expect.stringContaining('recordReports'), cloned: copied });
  expect(unpackCalls(structuredClone(sent))).toEqual(calls);
});

test('answers travel like their calls; errors and what the database as a whole answered are copied', () => {
  const calls: Call[] = [copied[0] as Call, asText, { ...asText, id: 4 }, { ...asText, id: 5 }];
  const replies: Reply[] = [
    { id: 1, outcome: { kind: 'all-done', values: [Uint8Array.of(7)] } },
    { id: 2, outcome: { kind: 'all-done', values: [{ kind: 'repeat' }] } },
    { id: 4, outcome: { kind: 'done', value: [{ ok: false, error: new Error('poisoned') }] } },
    { id: 5, outcome: { kind: 'unavailable', reason: 'full' } },
  ];
  const sent = packReplies(calls, replies);
  expect(sent.cloned.map(({ id }) => id)).toEqual([1, 4, 5]);
  expect(unpackReplies(structuredClone(sent)).toSorted((one, other) => one.id - other.id)).toEqual(replies);
});
