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
  readonly counts: Readonly<Record<string, number>>;
  readonly restarts: readonly number[];
  readonly held?: SeenServer['held'];
  readonly clockErrorMs?: number;
  readonly requests: readonly (Pick<TargetRequest, 'at' | 'status'> & { readonly kind: 'STARTED' | 'FINISHED' })[];
  /** Of STARTED. */
  readonly state: string;
  /** Those of STARTED that are recorded. */
  readonly attempts: readonly { readonly at: number; readonly status: number | null }[];
  /** What FINISHED said. */
  readonly told: object;
}

const truth: Evidence = {
  deliveries: [
    { at: 10, deviceToken: 'a' },
    { at: 11, deviceToken: 'b' },
  ],
  counts: { accepted: 2 },
  restarts: [],
  requests: [
    { at: 5, kind: 'STARTED', status: 500 },
    { at: 12, kind: 'STARTED', status: 200 },
    { at: 20, kind: 'FINISHED', status: 200 },
  ],
  state: 'delivered',
  attempts: [
    { at: 5, status: 500 },
    { at: 12, status: 200 },
  ],
  told: { web: { numSuccessfulPublishes: 2, numFailedPublishes: 0 } },
};

/** A publish to two devices with a webhook, as the world saw it, with some of it changed. */
const read = (change: Partial<Evidence> = {}) => {
  const {
    deliveries,
    counts,
    restarts,
    held,
    clockErrorMs = 0,
    requests,
    state,
    attempts,
    told,
  } = {
    ...truth,
    ...change,
  };
  const { request, publishId } = publish;
  const views = [
    { id: '1', eventType: 'publish.started', state, attempts: attempts.length },
    { id: '2', eventType: 'publish.finished', state: 'delivered', attempts: 1 },
  ].map((view) => ({ ...view, webhookId: null, publishId }));
  const answers: Readonly<Record<string, Record<string, unknown>>> = {
    '/instances/instance/messages?limit=200': { messages: views },
    '/instances/instance/publishes/pubid-1': { counts: { web: counts } },
    '/instances/instance/messages/2/attempts': { attempts: [] },
    '/instances/instance/messages/1/attempts': {
      attempts: attempts.map(({ at, status }) => ({ startedAt: new Date(at).toISOString(), durationMs: 1, status })),
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
        const body = JSON.stringify(kind === 'FINISHED' ? { results: told } : {});
        return { ...seen, key, kind, publishId: 'pubid-1', user: null, eventId: null, body };
      }),
    },
    restarts,
    ...(held && { held }),
    clockErrorMs,
  };
  const customer: SeenCustomer = { instanceId: 'instance', devices, publishes: [publish], reports: [] };
  return readLedger(server, customer);
};

const finished = { at: 40, kind: 'FINISHED', status: 200 } as const;
const requestsOf = (...statuses: readonly number[]): Evidence['requests'] => [
  ...statuses.map((status, index) => ({ at: 5 + 5 * index, kind: 'STARTED', status }) as const),
  finished,
];
const attemptsOf = (...statuses: readonly (number | null)[]): Evidence['attempts'] =>
  statuses.map((status, index) => ({ at: 5 + 5 * index, status }));

test('what went as promised has no problems', async () => {
  const { problems, repeats, figures } = await read();
  expect([problems, repeats]).toEqual([[], []]);
  expect(figures).toMatchObject({ deliveries: 2, messages: 2, exhausted: 0, webhookRequests: 3 });
});

test('a lost delivery, whatever is said about it', async () => {
  const deliveries = truth.deliveries.slice(0, 1);
  const told = { web: { numSuccessfulPublishes: 1, numFailedPublishes: 1 } };
  const lost = 'pubid-1 never reached device b';
  expect((await read({ deliveries, counts: { accepted: 1 }, told })).problems).toEqual([
    lost,
    `FINISHED of pubid-1 told ${JSON.stringify(told)}`,
  ]);
  expect((await read({ deliveries })).problems).toEqual([lost, 'pubid-1 reached 1 devices and counted 2']);
  expect((await read({ deliveries, counts: { accepted: 1, failed: 1 }, told })).problems).toEqual([
    lost,
    'pubid-1 also counted {"failed":1}',
    `FINISHED of pubid-1 told ${JSON.stringify(told)}`,
  ]);
});

test('a repeated delivery needs a kill between the two', async () => {
  const deliveries = [...truth.deliveries, { at: 30, deviceToken: 'a' }];
  const what = 'pubid-1 to device a';
  expect((await read({ deliveries })).problems).toContain(`repeated without a kill: ${what}`);
  expect(await read({ deliveries, restarts: [20] })).toMatchObject({ problems: [], repeats: [what] });
});

test('a repeated delivery counts for the kill that forgot it, of which each has two pages, and what had a row of its own', async () => {
  const repeated = (count: number, at: number) =>
    Array.from({ length: count }, (_, index) => ({ at, deviceToken: `${at} ${index}` })).flatMap((delivery) => [
      delivery,
      { ...delivery, at: 40 },
    ]);
  const problemsOf = async (...deliveries: (typeof truth.deliveries)[number][]) => {
    const accepted = 2 + deliveries.length / 2;
    const told = { web: { numSuccessfulPublishes: accepted, numFailedPublishes: 0 } };
    const change = { deliveries: [...truth.deliveries, ...deliveries], counts: { accepted }, told, restarts: [20, 30] };
    const held = [new Map([['pubid-1', 2]]), new Map()];
    return (await read({ ...change, held })).problems;
  };
  expect(await problemsOf(...repeated(150, 15), ...repeated(150, 25))).toEqual([]);
  expect(await problemsOf(...repeated(202, 15))).toEqual([]);
  expect(await problemsOf(...repeated(203, 15), ...repeated(190, 25))).toEqual([
    'pubid-1: one kill repeated 203 deliveries, and 2 had rows of their own',
  ]);
  expect(await problemsOf(...repeated(201, 25))).toEqual([
    'pubid-1: one kill repeated 201 deliveries, and 0 had rows of their own',
  ]);
});

test('a message that was given up after four attempts, or although it was taken', async () => {
  const early = await read({
    state: 'exhausted',
    attempts: attemptsOf(500, 500, 500, 500),
    requests: requestsOf(500, 500, 500, 500),
  });
  expect(early.problems).toEqual(['publish.started 1 is exhausted after 4 attempts']);
  const taken = await read({
    state: 'exhausted',
    attempts: attemptsOf(500, 500, 500, 500, 200),
    requests: requestsOf(500, 500, 500, 500, 200),
  });
  expect(taken.problems).toEqual(['publish.started 1 is exhausted and has a 2xx']);
});

test('attempts that ended unanswered may have reached the target, or nobody', async () => {
  expect((await read({ attempts: attemptsOf(500, 500, 200), requests: requestsOf(500, 200) })).problems).toEqual([
    'publish.started 1: nobody gave the answer 500 of attempt 2, 1970-01-01T00:00:00.010Z',
    'publish.started 1: nobody gave the answer 200 of attempt 3, 1970-01-01T00:00:00.015Z',
    'publish.started 1: a request that was answered 200 is not recorded, 1970-01-01T00:00:00.010Z',
  ]);
  const requests = requestsOf(500, 404, 200).filter(({ status }) => status !== 404);
  expect((await read({ attempts: attemptsOf(500, null, 200), requests })).problems).toEqual([]);
  const exhausted = { state: 'exhausted', requests: requestsOf(500, 500, 500, 500, 200) };
  expect((await read({ ...exhausted, attempts: attemptsOf(500, 500, 500, 500, null) })).problems).toEqual([]);
});

test('an attempt that ended unanswered excuses no other request', async () => {
  // The second one reached nobody; the last one came after the first had been answered, and was never recorded.
  const requests = requestsOf(500, 404, 200);
  expect((await read({ attempts: attemptsOf(null, 404, 200), requests })).problems).toEqual([]);
  const [first, second, third] = requests;
  const late = [first, second, third, { at: 30, kind: 'STARTED', status: 200 } as const, finished];
  const seen = { requests: late.filter((request) => request !== undefined), restarts: [25] };
  expect((await read({ ...seen, attempts: attemptsOf(null, 404, 200) })).problems).toEqual([
    'publish.started 1 was sent after its 2xx had been recorded',
    'publish.started 1: a request that was answered 200 is not recorded, 1970-01-01T00:00:00.030Z',
  ]);
});

test('an attempt that seems to be later than its request: a clock may be off by so much, and no more', async () => {
  // The process died of the second request.
  const attempts = [...attemptsOf(500), { at: 20, status: 500 }, { at: 22, status: 200 }];
  const evidence = { attempts, requests: requestsOf(500, 404, 500, 200), restarts: [12] };
  expect((await read({ ...evidence, clockErrorMs: 5 })).problems).toEqual([]);
  expect((await read({ ...evidence, clockErrorMs: 4 })).problems).toHaveLength(2);
});

test('a request that is not recorded needs a kill, and another attempt after it', async () => {
  const what = 'publish.started 1';
  const evidence = { requests: requestsOf(500, 200, 200), attempts: [...attemptsOf(500), { at: 15, status: 200 }] };
  expect((await read(evidence)).problems).toEqual([
    `${what}: a request that was answered 200 is not recorded, 1970-01-01T00:00:00.010Z`,
  ]);
  expect(await read({ ...evidence, restarts: [12] })).toMatchObject({ problems: [], repeats: [what] });
  // The kill came before it, or after the message had been sent again.
  for (const restart of [8, 18]) {
    expect((await read({ ...evidence, restarts: [restart] })).problems).toHaveLength(1);
  }
});

test('a message that was sent again after its 2xx had been recorded, kill or not', async () => {
  const again = { at: 30, kind: 'STARTED', status: 200 } as const;
  const requests = [...truth.requests, again];
  const problem = 'publish.started 1 was sent after its 2xx had been recorded';
  expect((await read({ requests, restarts: [25] })).problems).toContain(problem);
  // Recorded as well.
  const attempts = [...truth.attempts, { at: 30, status: 200 }];
  expect((await read({ requests, attempts })).problems).toContain(problem);
});

test('FINISHED before the first attempt of STARTED', async () => {
  const requests = truth.requests.toSorted((one, other) => one.kind.localeCompare(other.kind));
  expect((await read({ requests })).problems).toEqual(['FINISHED of pubid-1 overtook STARTED']);
});

test('a message that was never sent', async () => {
  const { problems } = await read({ requests: truth.requests.slice(0, 2) });
  expect(problems).toContain('FINISHED pubid-1: 1 messages expected, 0 seen');
});
