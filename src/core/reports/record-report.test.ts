import { expect, test } from 'vitest';
import type { Log } from '../ports/log.ts';
import type { RecordReport, ReportCommands } from '../ports/report-store.ts';
import type { DeviceReport } from './record-report.ts';
import { recordReport } from './record-report.ts';

type Result = Awaited<ReturnType<ReportCommands['recordReports']>>[number];

async function record(
  report: Partial<DeviceReport>,
  value: unknown,
): Promise<{ stored: RecordReport[]; woken: number }> {
  const stored: RecordReport[] = [];
  let woken = 0;
  const log: Log = { info: () => {}, warn: () => {}, error: () => {} };
  const recordReports: ReportCommands['recordReports'] = async (items) => {
    stored.push(...items);
    return items.map(() => ({ ok: true, value }) as Result);
  };
  await recordReport(
    { store: { recordReports }, log, metrics: { reportReceived() {} }, onMessages: () => woken++, onEvent() {} },
    {
      instanceId: 'instance',
      publishId: '01930000-0000-7000-8000-000000000000',
      platform: 'web',
      deviceId: '11111111-1111-4111-8111-111111111111',
      kind: 'delivery',
      happenedAt: 1,
      namesUser: false,
      appInBackground: null,
      hasDisplayableContent: null,
      hasData: null,
      ...report,
    },
  );
  return { stored, woken };
}

const recorded = { kind: 'recorded', messages: 0 };

test.each([
  { platform: 'web', namesUser: false, notifies: true },
  { platform: 'web', namesUser: true, notifies: true },
  { platform: 'fcm', namesUser: false, notifies: false },
  { platform: 'fcm', namesUser: true, notifies: true },
  { platform: 'apns', namesUser: false, notifies: false },
  { platform: 'apns', namesUser: true, notifies: true },
] as const)('a report from $platform, user named: $namesUser', async ({ platform, namesUser, notifies }) => {
  const { stored } = await record({ platform, namesUser }, recorded);
  expect(stored).toMatchObject([{ platform, notifiesUserWebhooks: notifies }]);
});

test.each([
  [{ kind: 'recorded', messages: 2 }, 1],
  [recorded, 0],
  [{ kind: 'repeat' }, 0],
  [{ kind: 'unknown-device' }, 0],
  [{ kind: 'unknown-publish' }, 0],
])('%o wakes the dispatcher %d times', async (result, times) => {
  expect((await record({}, result)).woken).toBe(times);
});
