import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createTestAuthority } from '../support/test-authority.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Customer } from './customer.ts';
import { createCustomer } from './customer.ts';
import type { FaultServer } from './fault-server.ts';
import { interposer, startFaultServer } from './fault-server.ts';
import { chosenBy, readSeed } from './seeded.ts';
import type { StorageOutage } from './storage-outage.ts';
import { prepareOutage } from './storage-outage.ts';
import { openWebhookLedger } from './webhook-ledger.ts';
import type { Target } from './webhook-targets.ts';
import { behaviours, startWebhookTargets } from './webhook-targets.ts';

/** `npm run test:soak` has many more. */
const events = Number(process.env['WEBHOOK_EVENTS'] ?? 10);
const kills = Number(process.env['WEBHOOK_KILLS'] ?? 1);
const targetsOfEach = 20;
const soak = events >= 200;
/** Less than comes. */
const takenPerSecond = soak ? 20 : 2;
/** Commits of what came back: what was sent by then is sent again, or is not. */
const namedPoints = [
  { when: 'before', table: 'attempts' },
  { when: 'after', table: 'webhook_health' },
];
/** The clock goes back a little, and then an hour and a half forward, in the middle of the work. */
const jumps = [
  { afterMs: 1_000, byMs: -2_000 },
  { afterMs: 2_500, byMs: 90 * 60_000 },
];
/** By then the second one has come too, on a clock that went back before. */
const allJumpedMs = 5_000;

/** 0: none. */
const allAnswers = new Set([0, 200, 410, 429, 500, 503]);

/** What fails is tried again for longer than the test lasts, so that what waits is seen to wait. */
const webhookRetryDelaysMs = [500, ...Array<number>(300).fill(2_000)];
const webhookBreakerPausesMs = [250, 500, 1_000];

test(
  `${targetsOfEach * Object.keys(behaviours).length} webhooks, most of them ill, over kills, a clock that jumps and a storage that takes nothing`,
  async () => {
    const startedAt = performance.now();
    const seed = readSeed();
    console.log(`FAULT_SEED=${seed} WEBHOOK_EVENTS=${events} WEBHOOK_KILLS=${kills}`);
    const authority = createTestAuthority();
    const { targets, fronts, requests } = await startWebhookTargets(authority, { each: targetsOfEach, takenPerSecond });
    const waits = { webhookRetryDelaysMs, webhookBreakerPausesMs };
    const outage = await prepareOutage(64 + 2 * events);
    onTestFinished(() => outage.remove());
    const server = await startFaultServer(seed, {
      authority,
      moreFronts: fronts,
      ...outage.options,
      ...waits,
    });
    onTestFinished(() => server.close());
    const customer = await createCustomer(server, seed);
    const webhooks = await subscribe(server, customer, targets);
    const device = await customer.registerDevice('anna');
    const openings = async (count: number): Promise<void> => {
      for (let opening = 0; opening < count; opening += 1) {
        const { publishId } = await untilAnswered(() => customer.publish(['anna']));
        await customer.report(publishId, device, 'open');
      }
    };
    const jumped = { from: 0, to: 0 };
    const ledger = await openWebhookLedger({ server, webhooks, requests, events, jumped });
    onTestFinished(() => ledger.close());

    const everythingTo = (some: readonly Target[], timeoutMs: number): Promise<unknown> =>
      waitFor('everything to them', () => ledger.lacking(some).length === 0, timeoutMs).catch(
        async (cause: unknown) => {
          const waiting = (await ledger.waitingByBehaviour()).map((one) => `${one.behaviour} ${one.waiting}`);
          throw new Error(`${ledger.lacking(some).join(', ')}; waiting: ${waiting.join(', ')}`, { cause });
        },
      );

    const working = openings(events);
    const [first, ...others] = namedPoints.map((told) => interposer('kill-at-commit', { ...told, nth: '5' }));
    await server.restart({ nodeOptions: first ?? [] });
    for (const nodeOptions of others) await server.restartAfterKill({ nodeOptions });
    await server.restartAfterKill();
    for (let kill = 1; kill <= kills; kill += 1) {
      await delay(300 + chosenBy(1_200, seed, 'webhook kill', kill));
      if (kill < kills) await server.restart();
    }
    const now = Date.now();
    Object.assign(jumped, { from: now, to: now + allJumpedMs });
    await server.restart({ nodeOptions: jumps.flatMap(({ afterMs, byMs }) => jump(now + afterMs, byMs)) });
    await interrupt(server, outage, () => requests.length);
    await working;

    const well = targets.filter(({ behaviour }) => behaviour === 'healthy');
    await everythingTo(well, 90_000);
    // Those that never answer well hold up nobody: what is for them still waits.
    const never = ['failing', 'hanging', 'resetting', 'untrusted'];
    const stillWaiting = (await ledger.waitingByBehaviour()).filter(({ waiting }) => waiting > 0);
    expect(stillWaiting.map(({ behaviour }) => behaviour)).toEqual(expect.arrayContaining(never));
    expect(openFiles(server)).toBeLessThan(2_500);

    const inTheEnd = targets.filter(({ behaviour }) => behaviours[behaviour].well);
    await everythingTo(inTheEnd, 120_000);
    await waitFor('all that are gone to be disabled', () => ledger.allGoneAreDisabled(), 60_000);
    await waitFor('all others to be told', () => well.every((target) => ledger.knowsOfAllGone(target)), 60_000);
    expect(new Set(requests.map(({ status }) => status))).toEqual(allAnswers);
    const { problems, figures } = await ledger.read();
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    console.log(JSON.stringify({ ...figures, seconds }));
    expect(problems).toEqual([]);

    await staysSmall(server, openings);
  },
  360_000 + kills * 5_000 + events * 6_000,
);

async function subscribe(
  { pharos }: FaultServer,
  { instanceId }: Customer,
  targets: readonly Target[],
): Promise<Map<string, Target>> {
  const webhooks = new Map<string, Target>();
  for (const target of targets) {
    const told = target.behaviour === 'healthy' ? ['v1.WebhookDisabled'] : [];
    const { id } = await pharos.admin('POST', `/instances/${instanceId}/webhooks`, {
      url: `https://${target.host}/webhooks`,
      events: ['v1.UserNotificationOpen', ...told],
      secret: 'secret-of-the-webhook',
      options: { maxInFlight: 16 },
    });
    webhooks.set(String(id), target);
  }
  return webhooks;
}

async function untilAnswered(publish: () => ReturnType<Customer['publish']>): Promise<{ readonly publishId: string }> {
  for (;;) {
    const { publishId } = await publish();
    if (publishId !== null) return { publishId };
    await delay(50);
  }
}

const jump = (at: number, byMs: number): string[] => interposer('jump', { at: String(at), by: String(byMs) });

/** What is in flight meanwhile is answered, and cannot be recorded. */
async function interrupt({ pharos }: FaultServer, outage: StorageOutage, countRequests: () => number): Promise<void> {
  const pid = pharos.pid();
  const isReady = async (): Promise<boolean> => (await fetch(`${pharos.origin}/readyz`)).ok;
  const before = countRequests();
  await waitFor('requests to be in flight', () => countRequests() > before);
  outage.begin(pharos);
  await waitFor('the server to be not ready', async () => !(await isReady()));
  let refusals = 0;
  const since = performance.now();
  await waitFor('it to stay so', async () => {
    if (!(await isReady())) refusals += 1;
    return refusals > 2 && performance.now() - since > 1_000;
  });
  outage.end(pharos);
  await waitFor('the server to be ready again', isReady);
  expect(pharos.pid()).toBe(pid);
}

const openFiles = ({ pharos }: FaultServer): number => readdirSync(`/proc/${pharos.pid()}/fd`).length;

/**
 * The server's memory, while dead targets pile up messages: in the last third of a round at most a tenth more than in the first
 * one. What a process needs to run at all, it needs from the beginning, and the machine may be busy: one round of them is enough.
 */
async function staysSmall(server: FaultServer, openings: (count: number) => Promise<void>): Promise<void> {
  const mean = (part: readonly number[]): number => part.reduce((sum, sample) => sum + sample, 0) / part.length;
  let growth = Number.POSITIVE_INFINITY;
  for (let round = 0; round < (soak ? 1 : 6) && growth > 1.1; round += 1) {
    await openings(soak ? 50 : 20);
    const samples: number[] = [];
    const sampling = setInterval(() => samples.push(residentKilobytes(server)), 100);
    await openings(soak ? events : 30).finally(() => clearInterval(sampling));
    const third = Math.floor(samples.length / 3);
    const [first, last] = [mean(samples.slice(0, third)), mean(samples.slice(-third))];
    console.log(
      `resident: ${Math.round(first / 1024)} MB in the first third, ${Math.round(last / 1024)} MB in the last`,
    );
    growth = last / first;
  }
  expect(growth).toBeLessThanOrEqual(1.1);
}

function residentKilobytes({ pharos }: FaultServer): number {
  const status = readFileSync(`/proc/${pharos.pid()}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}
