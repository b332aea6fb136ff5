import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { ensurePackages } from '../support/ensure-packages.ts';
import { waitFor } from '../support/wait-for.ts';
import { createCustomer } from './customer.ts';
import { interposer, startFaultServer } from './fault-server.ts';
import { waitUntilIdle } from './ledger.ts';
import { durabilityFault, readTrace, traced, traceRequirements } from './trace.ts';

beforeAll(() => ensurePackages('The tests of syncing', traceRequirements), 300_000);

/** What each of four answers is worth: null when its row was on disk before it was given. */
async function traceAnswers(nodeOptions: readonly string[]): Promise<Readonly<Record<string, string | null>>> {
  const server = await startFaultServer(0, { logLevel: 'info', storedIn: 'sqlite' });
  onTestFinished(() => server.close());
  const customer = await createCustomer(server, 0);
  const user = 'somebody with a name that stands in no other row';
  const device = await customer.registerDevice(user);
  const file = join(server.pharos.dataDir, '..', 'trace');
  await server.restart({ ...traced(file), nodeOptions });

  const faults: Record<string, string | null> = {};
  /** Judges what is done alone; the trace may be written a little later than the answer comes. */
  async function judge<Done>(
    what: string,
    act: () => Promise<Done>,
    describe: (done: Done) => { row: string; answer: string },
  ): Promise<Done> {
    const begunAt = Date.now() / 1000;
    const done = await act();
    const marks = describe(done);
    faults[what] = await waitFor('the trace', () => {
      const fault = durabilityFault(
        readTrace(file).filter((call) => call.begunAt >= begunAt),
        marks,
      );
      return fault !== 'there was no answer' && { fault };
    }).then(({ fault }) => fault);
    await waitUntilIdle(server);
    return done;
  }
  await judge(
    'registration',
    () => customer.registerDevice(null),
    ({ deviceId }) => ({ row: deviceId.slice('web-'.length), answer: `{\\"id\\":\\"${deviceId}` }),
  );
  const { publishId } = await judge(
    'publish',
    () => customer.publish([user]),
    ({ publishId }) => ({ row: String(publishId).slice('pubid-'.length), answer: `{\\"publishId\\":\\"${publishId}` }),
  );
  const { targets } = server;
  await judge(
    'report',
    () => customer.report(String(publishId), device, 'open'),
    () => ({ row: 'v1.UserNotificationOpen', answer: 'HTTP/1.1 200' }),
  );
  const [opened] = targets.requests.filter(({ kind }) => kind === 'v1.UserNotificationOpen');
  const messageId = String(opened?.key);
  faults['completion'] = await waitFor('the log line of the completion', () => {
    const fault = durabilityFault(
      readTrace(file).filter(({ begunAt }) => begunAt >= (opened?.at ?? 0) / 1000),
      { row: messageId, answer: `\\"messageId\\":\\"${messageId}` },
    );
    return fault !== 'there was no answer' && { fault };
  }).then(({ fault }) => fault);
  return faults;
}

test('a row is on disk before it is answered for', async () => {
  expect(await traceAnswers([])).toEqual({ registration: null, publish: null, report: null, completion: null });
});

test('the same trace shows a database that does not sync', async () => {
  const fault = 'nothing was synced between the row and the answer';
  expect(await traceAnswers(interposer('without-sync'))).toEqual({
    registration: fault,
    publish: fault,
    report: fault,
    completion: fault,
  });
});
