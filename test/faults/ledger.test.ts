import { expect, test } from 'vitest';
import type { ReadyDevice, SentPublish } from './customer.ts';
import type { TargetRequest } from './failing-targets.ts';
import { readLedger } from './ledger.ts';
import type { SeenCustomer, SeenServer } from './ledger-evidence.ts';

const devices: readonly ReadyDevice[] = ['a', 'b'].map((name) => ({
  deviceId: `web-${name}`,
  deviceToken: name,
  user: 'anna',
}));
const publish: SentPublish = {
  request: 'request 1',
  publishId: 'pubid-1',
  refused: false,
  users: null,
  hasWebhook: true,
  audience: devices,
};

interface Evidence {
  readonly deliveries: readonly { readonly at: number; readonly deviceToken: string }[];
  readonly restarts: readonly number[];
  readonly requests: readonly (Pick<TargetRequest, 'at' | 'status'> & { readonly kind: 'STARTED' | 'FINISHED' })[];
  readonly started: { readonly state: string; readonly attempts: number };
  /** Of STARTED: when its 2xx was recorded. */
  readonly recordedAt: number;
  /** Attempts of STARTED that were given up before their answer. */
  readonly unanswered: number;
}

const truth: Evidence = {
  deliveries: [
    { at: 10, deviceToken: 'a' },
    { at: 11, deviceToken: 'b' },
  ],
  restarts: [],
  requests: [
    { at: 5, kind: 'STARTED', status: 500 },
    { at: 12, kind: 'STARTED', status: 200 },
    { at: 20, kind: 'FINISHED', status: 200 },
  ],
  started: { state: 'delivered', attempts: 2 },
  recordedAt: 13,
  unanswered: 0,
};

/** A publish to two devices with a webhook, as the world saw it, with some of it changed. */
const read = (change: Partial<Evidence> = {}) => {
  const { deliveries, restarts, requests, started, recordedAt, unanswered } = { ...truth, ...change };
  const { request, publishId } = publish;
  const views = [
    { id: '1', eventType: 'publish.started', ...started },
    { id: '2', eventType: 'publish.finished', state: 'delivered', attempts: 1 },
  ].map((view) => ({ ...view, webhookId: null, publishId }));
  const accepted = new Set(deliveries.map(({ deviceToken }) => deviceToken)).size;
  const answers: Readonly<Record<string, Record<string, unknown>>> = {
    '/instances/instance/messages?limit=200': { messages: views },
    '/instances/instance/publishes/pubid-1': { counts: { web: { accepted } } },
    '/instances/instance/messages/2/attempts': { attempts: [] },
    '/instances/instance/messages/1/attempts': {
      attempts: [
        ...Array.from({ length: unanswered }, () => ({
          startedAt: new Date(1).toISOString(),
          durationMs: 1,
          status: null,
        })),
        ...(started.state === 'delivered'
          ? [{ startedAt: new Date(recordedAt - 1).toISOString(), durationMs: 1, status: 200 }]
          : []),
      ],
    },
  };
  const server: SeenServer = {
    pharos: {
      async admin(_method, path) {
        const answer = answers[path];
        if (!answer) throw new Error(`nothing at ${path}`);
        return answer;
      },
    },
    pushService: { deliveries: deliveries.map((delivery) => ({ ...delivery, request, publishId: 'pubid-1' })) },
    targets: {
      requests: requests.map(({ kind, ...seen }) => {
        const key = `pubid-1 ${kind}`;
        return { ...seen, key, kind, publishId: 'pubid-1', user: null, eventId: null, body: kind };
      }),
    },
    restarts,
  };
  const customer: SeenCustomer = { instanceId: 'instance', devices, publishes: [publish], reports: [] };
  return readLedger(server, customer);
};

test('what went as promised has no problems', async () => {
  const { problems, repeats, figures } = await read();
  expect([problems, repeats]).toEqual([[], []]);
  expect(figures).toMatchObject({ deliveries: 2, messages: 2, exhausted: 0, webhookRequests: 3 });
});

test('a lost delivery', async () => {
  const { problems } = await read({ deliveries: truth.deliveries.slice(0, 1) });
  expect(problems).toEqual(['pubid-1 never reached device b']);
});

test('a repeated delivery needs a kill between the two', async () => {
  const deliveries = [...truth.deliveries, { at: 30, deviceToken: 'a' }];
  const what = 'pubid-1 to device a';
  expect((await read({ deliveries })).problems).toContain(`repeated without a kill: ${what}`);
  expect(await read({ deliveries, restarts: [20] })).toMatchObject({ problems: [], repeats: [what] });
});

test('a message that was given up after four attempts, or although it was taken', async () => {
  const four = [5, 6, 7, 8].map((at) => ({ at, kind: 'STARTED', status: 500 }) as const);
  const taken = { at: 9, kind: 'STARTED', status: 200 } as const;
  const finished = { at: 20, kind: 'FINISHED', status: 200 } as const;
  const started = { state: 'exhausted', attempts: 4 };
  const early = await read({ started, requests: [...four, finished] });
  expect(early.problems).toEqual(['publish.started 1 is exhausted after 4 attempts']);
  const five = { state: 'exhausted', attempts: 5 };
  const late = await read({ started: five, requests: [...four, taken, finished] });
  expect(late.problems).toEqual(['publish.started 1 is exhausted and was answered 200']);
});

test('attempts that ended unanswered may have reached the target, or nobody', async () => {
  expect((await read({ started: { state: 'delivered', attempts: 3 } })).problems).toEqual([
    'publish.started 1: 2 requests, 3 attempts, 0 of them unanswered, 0 excuses',
  ]);
  const delivered = await read({ started: { state: 'delivered', attempts: 3 }, unanswered: 1 });
  expect(delivered.problems).toEqual([]);
  const five = [5, 6, 7, 8, 9].map((at) => ({ at, kind: 'STARTED', status: at === 9 ? 200 : 500 }) as const);
  const finished = { at: 20, kind: 'FINISHED', status: 200 } as const;
  const exhausted = { started: { state: 'exhausted', attempts: 5 }, requests: [...five, finished] };
  expect((await read({ ...exhausted, unanswered: 1 })).problems).toEqual([]);
});

test('a message that was sent again after its 2xx had been recorded, kill or not', async () => {
  const requests = [...truth.requests, { at: 30, kind: 'STARTED', status: 200 } as const];
  const { problems } = await read({ requests, restarts: [25] });
  expect(problems).toEqual(['publish.started 1 was sent after its 2xx had been recorded']);
  // Recorded as well.
  expect(await read({ requests, started: { state: 'delivered', attempts: 3 } })).toMatchObject({ problems });
  // The kill came before the record.
  const excused = await read({ requests, restarts: [25], recordedAt: 31 });
  expect(excused).toMatchObject({ problems: [], repeats: ['publish.started 1'] });
});

test('FINISHED before the first attempt of STARTED', async () => {
  const [first, second, finished] = truth.requests;
  const requests = [finished, first, second].filter((request) => request !== undefined);
  expect((await read({ requests })).problems).toEqual(['FINISHED of pubid-1 overtook STARTED']);
});

test('a message that was never sent', async () => {
  const { problems } = await read({ requests: truth.requests.slice(0, 2) });
  expect(problems).toContain('FINISHED pubid-1: 1 messages expected, 0 seen');
});
