/**
 * Webhooks, from committed events to recorded answers, all in one process, which also runs the others in its turn: a bare
 * loop of requests, BullMQ on Redis and pg-boss on PostgreSQL, with the same bodies to the same receiver. Rounds alternate;
 * medians are printed. Then events in batches of 100; then what one target that never answers costs a hundred others.
 * Usage: node bench/webhooks.ts [--rounds 5] [--count 10000]
 *
 * Everybody begins with work that is on disk and may have 64 requests in flight. A round ends when the last result is
 * on disk too; the bare loop has none. The queues sign with HMAC-SHA1, as Pharos does. Servers run for months: the first
 * rounds, in which code is still being compiled, count for nobody.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { defaultWebhookOptions } from '../src/core/instances/webhook-options.ts';
import { median } from './median.ts';
import { printResults } from './print-results.ts';
import { startChild } from './start-child.ts';
import { startThrowAwayServers } from './throw-away-servers.ts';
import type { SampleRequest, WebhookSender } from './webhook-senders.ts';
import { createBareSender, createBullMqSender, createPgBossSender } from './webhook-senders.ts';
import type { Target, WebhookWorld } from './webhook-world.ts';
import { openWebhookWorld } from './webhook-world.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '10000' },
  },
});
const rounds = Number(values.rounds);
const count = Number(values.count);
const warmUpRounds = 2;
const batch = { maxEvents: 100, maxWaitMs: 0 };
/** They are faster. */
const batchedCount = 2 * count;
const targetCount = 100;
const eventsPerSecond = 200;
/** One second of each in turn, so that what disturbs the machine for longer disturbs both. */
const pairsPerRound = 8;

const receiver = startChild('webhook-receiver.ts');
const [port] = (await once(receiver, 'message')) as [number];
const origin = `http://127.0.0.1:${port}`;
const servers = await startThrowAwayServers();
try {
  const rates = await measureRates();
  const { alone, withDead } = await measureDeadTarget();
  const rate = (name: string): string => median(rates.map((round) => round[name] ?? Number.NaN)).toFixed(0);
  const ratio = (name: string, other: string): string =>
    median(rates.map((round) => (round[name] ?? Number.NaN) / (round[other] ?? Number.NaN))).toFixed(2);
  const row = (what: string, name: string, against: string, other: string, goal = '') => ({
    ...{ what, against, ratio: ratio(name, other), goal, ours: rate(name), theirs: rate(other) },
  });
  const delivered = 'webhooks signed, delivered and recorded per second';
  printResults(`Webhooks, Node ${process.versions.node}, medians of ${rounds} rounds of ${count} events`, [
    row(delivered, 'pharos', 'bare undici loop, nothing kept', 'bare', 'must 0.35, aim 0.5'),
    row(delivered, 'pharos', 'BullMQ, Redis with appendfsync always', 'bullMq', 'must 2, aim 4'),
    row(delivered, 'pharos', 'pg-boss, PostgreSQL', 'pgBoss', 'must 3, aim 6'),
    row(`events per second in batches of ${batch.maxEvents}`, 'batched', 'one a request', 'pharos'),
    {
      what: `ms from event to recorded delivery, p99, with one dead target among ${targetCount}`,
      against: 'without it',
      ratio: median(withDead.map((p99, round) => p99 / (alone[round] ?? Number.NaN))).toFixed(2),
      goal: 'at most 1.10',
      ours: median(withDead).toFixed(1),
      theirs: median(alone).toFixed(1),
    },
  ]);
} finally {
  await servers.remove();
  receiver.disconnect();
}

async function measureRates(): Promise<readonly Readonly<Record<string, number>>[]> {
  const options = { origin, concurrency: defaultWebhookOptions.maxInFlight };
  const others: Record<string, WebhookSender> = {
    bare: createBareSender(options),
    bullMq: createBullMqSender(options, servers.redis),
    pgBoss: await createPgBossSender(options, servers.postgres),
  };
  const world = await openWebhookWorld();
  const single = await world.addTarget(`${origin}/hook`, count);
  const batched = await world.addTarget(`${origin}/hook`, count, batch);
  const samples: SampleRequest[] = [];
  const measured: Record<string, number>[] = [];
  for (let round = 1 - warmUpRounds; round <= rounds; round++) {
    const rates: Record<string, number> = {};
    // What Pharos sends in the first round is what the others send in all.
    rates['pharos'] = await dispatchAll(world, single, count, samples.length === 0 ? samples : null);
    rates['batched'] = await dispatchAll(world, batched, batchedCount, null);
    for (const [name, sender] of Object.entries(others)) {
      await sender.write(samples);
      const startedAt = performance.now();
      await sender.send();
      rates[name] = perSecond(samples.length, startedAt);
    }
    console.log(round > 0 ? `round ${round}` : 'warm-up', describe(rates));
    if (round > 0) measured.push(rates);
  }
  await world.close();
  for (const sender of Object.values(others)) await sender.close();
  return measured;
}

async function dispatchAll(
  world: WebhookWorld,
  target: Target,
  events: number,
  samples: SampleRequest[] | null,
): Promise<number> {
  await world.writeEvents(target, events);
  const all = Promise.withResolvers<void>();
  let delivered = 0;
  const dispatcher = world.createDispatcher(
    (delaysMs) => {
      delivered += delaysMs.length;
      if (delivered === events) all.resolve();
    },
    ({ url, headers, body }) => samples?.push({ path: url.pathname, headers, body }),
  );
  const startedAt = performance.now();
  dispatcher.start();
  await all.promise;
  const rate = perSecond(events, startedAt);
  await dispatcher.stop();
  return rate;
}

/**
 * 99th percentiles of each round's seconds, which are measured in pairs, one right after the other. Who comes first
 * alternates.
 */
async function measureDeadTarget(): Promise<Record<'alone' | 'withDead', number[]>> {
  const alone = await openSteady(false);
  const withDead = await openSteady(true);
  const measured = { alone: [] as number[], withDead: [] as number[] };
  for (let round = -1; round < rounds; round++) {
    const delays = { alone: [] as number[], withDead: [] as number[] };
    for (let pair = 0; pair < pairsPerRound; pair++) {
      const deliverAlone = async () => void delays.alone.push(...(await alone.deliver()));
      const deliverWithDead = async () => void delays.withDead.push(...(await withDead.deliver()));
      for (const deliver of pair % 2 === 0 ? [deliverAlone, deliverWithDead] : [deliverWithDead, deliverAlone])
        await deliver();
    }
    // The first one is for the compiler.
    if (round < 0) continue;
    measured.alone.push(percentile99(delays.alone));
    measured.withDead.push(percentile99(delays.withDead));
  }
  await alone.close();
  await withDead.close();
  const spread = (values: readonly number[]): string => values.map((value) => value.toFixed(1)).join(' ');
  console.log(`p99 in ms, alone: ${spread(measured.alone)}`);
  console.log(`p99 in ms, with a dead target: ${spread(measured.withDead)}`);
  return measured;
}

/** A hundred targets that get events at a steady rate, each in its turn. */
async function openSteady(hasDead: boolean) {
  const world = await openWebhookWorld();
  const devices = Math.ceil(((rounds + 1) * pairsPerRound * eventsPerSecond) / targetCount);
  const targets = await Promise.all(
    Array.from({ length: targetCount }, async (_, index) => {
      if (index > 0) return world.addTarget(`${origin}/hook`, devices);
      return hasDead ? world.addTarget(`${origin}/dead`, devices) : null;
    }),
  );
  let delays: number[] = [];
  const dispatcher = world.createDispatcher((delaysMs) => delays.push(...delaysMs));
  dispatcher.start();
  let event = 0;
  return {
    /** Events of a second; answers how many milliseconds each that was delivered took. */
    async deliver(): Promise<readonly number[]> {
      delays = [];
      const startedAt = performance.now();
      const reported: Promise<void>[] = [];
      let expected = 0;
      for (let number = 0; number < eventsPerSecond; number += 1, event += 1) {
        await delay(Math.max(0, startedAt + (number / eventsPerSecond) * 1_000 - performance.now()));
        const target = targets[event % targetCount];
        const device = target?.devices[Math.floor(event / targetCount)];
        if (!target || !device) continue;
        if (event % targetCount > 0) expected += 1;
        reported.push(world.report(target, [device]).then(() => dispatcher.wake()));
      }
      await Promise.all(reported);
      while (delays.length < expected) await delay(5);
      return delays;
    },
    async close(): Promise<void> {
      await dispatcher.stop();
      await world.close();
    },
  };
}

function percentile99(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * 0.99)] ?? Number.NaN;
}

function perSecond(events: number, startedAt: number): number {
  return (events / (performance.now() - startedAt)) * 1_000;
}

function describe(rates: Readonly<Record<string, number>>): string {
  return Object.entries(rates)
    .map(([name, value]) => `${name} ${value.toFixed(0)}/s`)
    .join(', ');
}
