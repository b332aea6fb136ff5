import { expect, test } from 'vitest';
import { createMessageLeases } from './message-leases.ts';
import { createUndoLog } from './undo-log.ts';

const target = { instanceId: 'shop', target: 'hook' };

function openLeases() {
  let now = 1_000;
  const undoLog = createUndoLog();
  const leases = createMessageLeases(undoLog, () => now);
  const add = (row: number, claimToken: string, endsAt: number) => {
    const about = { eventType: 'v1.UserNotificationOpen', publishId: null, userNumber: null, attempts: 0 } as const;
    leases.add({ ...target, messageId: `message ${row}`, row, claimToken, endsAt, ...about });
  };
  const tokenOf = (row: number) => leases.find({ ...target, messageId: `message ${row}` })?.claimToken;
  return { undoLog, leases, add, tokenOf, pass: (ms: number) => (now += ms) };
}

test('a lease that ended is nobody’s, and may still be completed until somebody else claims', () => {
  const { leases, add, tokenOf, pass } = openLeases();
  add(1, 'a', 1_010);
  add(2, 'b', 1_030);
  expect([leases.liveRows(target), leases.countLive(target), leases.firstEnd(target)]).toEqual(['[1,2]', 2, 1_010]);
  pass(20);
  expect([leases.liveRows(target), leases.countLive(target), leases.firstEnd(target)]).toEqual(['[2]', 1, 1_030]);
  expect(leases.listLive()).toEqual([['message 2', 2, 1_030]]);
  expect([tokenOf(1), leases.rowsOf('shop'), leases.rowsOf('other')]).toEqual(['a', '[1,2]', '[]']);
  add(1, 'c', 2_000);
  expect([tokenOf(1), leases.liveRows(target)]).toEqual(['c', '[2,1]']);
  expect(leases.find({ instanceId: 'other', messageId: 'message 1' })).toBeUndefined();
  expect(leases.firstEnd({ ...target, target: 'another' })).toBe(Infinity);
});

test('those that nobody completes are remembered however long ago they ended, but not more than there can be', () => {
  const { leases, add, tokenOf, pass } = openLeases();
  add(1, 'a', 1_010);
  pass(90 * 60_000);
  expect([leases.countLive(target), tokenOf(1)]).toEqual([0, 'a']);
  for (let row = 2; row <= 100_001; row += 1) add(row, 'b', 1_010);
  expect([tokenOf(1), tokenOf(2)]).toEqual([undefined, 'b']);
});

test('what a transaction changed is changed back when it is rolled back, wholly or to a savepoint', () => {
  const { undoLog, leases, add, tokenOf } = openLeases();
  add(1, 'a', 2_000);
  add(2, 'b', 2_000);
  undoLog.keep();
  add(1, 'c', 2_000);
  const mark = undoLog.mark();
  leases.remove('message 1');
  leases.remove('message 2');
  add(3, 'd', 2_000);
  expect([tokenOf(1), tokenOf(2), tokenOf(3)]).toEqual([undefined, undefined, 'd']);
  undoLog.undoTo(mark);
  expect([tokenOf(1), tokenOf(2), tokenOf(3)]).toEqual(['c', 'b', undefined]);
  undoLog.undoTo(0);
  expect([tokenOf(1), tokenOf(2), leases.countLive(target)]).toEqual(['a', 'b', 2]);
});
