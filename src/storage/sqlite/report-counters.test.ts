import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { prepareReportCounters } from './report-counters.ts';
import { createUndoLog } from './undo-log.ts';

function open() {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  db.exec(`CREATE TABLE publish_outcomes (instance_id, publish_id, platform, family, outcome, count,
    PRIMARY KEY (instance_id, publish_id, platform, family, outcome))`);
  const undoLog = createUndoLog();
  const counters = prepareReportCounters(db, undoLog);
  const count = (publishId = 'one') =>
    counters.add({ instanceId: 'shop', publishId, platform: 'web', family: 'chrome', outcome: 'confirmed' });
  const rows = () => db.prepare('SELECT publish_id, count FROM publish_outcomes ORDER BY 1').all();
  return { db, undoLog, counters, count, rows };
}

test('what reports add up to is written once, and added to what there is', () => {
  const { counters, count, rows } = open();
  for (const publishId of ['one', 'two', 'one']) count(publishId);
  expect(rows()).toEqual([]);
  counters.write();
  counters.write();
  count();
  counters.write();
  expect(rows()).toEqual([
    { publish_id: 'one', count: 3 },
    { publish_id: 'two', count: 1 },
  ]);
});

test('an item that is rolled back takes along what it added, and what it wrote of others is still to be written', () => {
  const { db, undoLog, counters, count, rows } = open();
  db.exec('BEGIN');
  count();
  const mark = undoLog.mark();
  db.exec('SAVEPOINT item');
  count();
  counters.write();
  expect(rows()).toEqual([{ publish_id: 'one', count: 2 }]);
  db.exec('ROLLBACK TO item; RELEASE item');
  undoLog.undoTo(mark);
  count();
  counters.write();
  db.exec('COMMIT');
  expect(rows()).toEqual([{ publish_id: 'one', count: 2 }]);
});

test('a transaction that is rolled back leaves nothing to write', () => {
  const { db, undoLog, counters, count, rows } = open();
  db.exec('BEGIN');
  count();
  counters.write();
  count();
  db.exec('ROLLBACK');
  undoLog.undoTo(0);
  counters.write();
  expect(rows()).toEqual([]);
});
