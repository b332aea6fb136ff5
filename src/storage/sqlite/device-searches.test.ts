import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { browserFamilyOf } from '../../protocol/browser-family.ts';
import { testSealer } from '../testsuite/test-sealer.ts';
import { prepareAcceptPublishes } from './accept.ts';
import { prepareReadAudiencePage } from './audience.ts';
import { prepareDevicePageCommands, prepareDevicePageQueries } from './device-page.ts';
import { prepareDeviceQueries } from './devices.ts';
import { migrate } from './migrate.ts';
import { prepareOutbox } from './outbox.ts';
import { pushServiceNumber, pushServices } from './push-service.ts';
import { prepareReportCommands } from './reports.ts';

function openDatabase(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  migrate(db);
  return db;
}

test('no statement walks along all devices; a report reads the index of ids and not the row', () => {
  const db = openDatabase();
  const statements = new Set<string>();
  const recording = new Proxy(db, {
    get: (target, name) =>
      name === 'prepare' ? (sql: string) => (statements.add(sql), target.prepare(sql)) : undefined,
  });
  for (const prepare of [
    (on: DatabaseSync) => prepareAcceptPublishes(on, testSealer, prepareOutbox(on)),
    (on: DatabaseSync) => prepareReportCommands(on, prepareOutbox(on), { add() {} }),
    ...[prepareReadAudiencePage, prepareDevicePageCommands, prepareDevicePageQueries, prepareDeviceQueries],
  ])
    prepare(recording);
  const plans = [...statements].flatMap((sql) =>
    db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({ detail }) => String(detail)),
  );
  expect(plans).toContain('SEARCH d USING COVERING INDEX devices_by_id (<expr>=?)');
  expect(plans.filter((step) => /^SCAN (?!.*VIRTUAL TABLE)/.test(step))).toEqual([]);
});

test('the index tells platforms and push services apart, and leaves to the address what it does not know', () => {
  const db = openDatabase();
  const find = db.prepare(`SELECT ${pushServiceNumber} AS number FROM (SELECT ? AS platform, ? AS address) AS d`);
  const serviceOf = (platform: string, address: string) =>
    pushServices[Number(find.get(platform, address)?.['number'])];
  expect(serviceOf('fcm', 'token')).toEqual({ platform: 'fcm', family: '' });
  expect(serviceOf('apns', 'https://fcm.googleapis.com/')).toEqual({ platform: 'apns', family: '' });
  const known = [
    ...['https://fcm.googleapis.com/fcm/send/a:b', 'https://updates.push.services.mozilla.com/wpush/v2/a'],
    ...['https://web.push.apple.com/a', 'https://wns2-am3p.notify.windows.com/w/?token=a%2fb'],
  ];
  for (const address of known)
    expect(serviceOf('web', address), address).toEqual({ platform: 'web', family: browserFamilyOf(address) });
  const others = [
    ...[
      'https://fcm.googleapis.com.example/',
      'https://push.example/fcm.googleapis.com/',
      'https://fcm.googleapis.com',
    ],
    ...['https://push.example/a.notify.windows.com/', 'https://notify.windows.com/', 'https://FCM.googleapis.com/'],
    ...['http://fcm.googleapis.com/', 'https://autopush.stage.push.services.mozilla.com/', ''],
  ];
  for (const address of others) expect(serviceOf('web', address), address).toEqual({ platform: 'web', family: null });
});
