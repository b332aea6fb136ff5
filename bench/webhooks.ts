/**
 * Webhooks, from committed events to recorded answers, all in one process, which also runs the others in its turn: a bare
 * loop of requests, BullMQ on Redis and pg-boss on PostgreSQL, with the same bodies to the same receiver. Rounds alternate;
 * medians are printed. Then events in batches of 100; then what one target that never answers costs a hundred others.
 * Usage: node bench/webhooks.ts [--rounds 5] [--count 2000] [--seconds 6]
 *
 * Everybody begins with work that is on disk and may have 64 requests in flight. A round ends when the last result is
 * on disk too; the bare loop has none. The queues sign with HMAC-SHA1, as Pharos does.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { defaultWebhookOptions } from '../src/core/instances/webhook-options.ts';
import { median } from './median.ts';
import { printResults } from './print-results.ts';
import { startThrowAwayServers } from './throw-away-servers.ts';
import type { SampleRequest, WebhookSender } from './webhook-senders.ts';
import { createBareSender, createBullMqSender, createPgBossSender } from './webhook-senders.ts';
import type { Target, WebhookWorld } from './webhook-world.ts';
import { openWebhookWorld } from './webhook-world.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '6' },
  },
});
const rounds = Number(values.rounds);
const count = Number(values.count);
const seconds = Number(values.seconds);
const batch = { maxEvents: 100, maxWaitMs: 0 };
/** They are faster. */
const batchedCount = 5 * count;
const targetCount = 100;
const eventsPerSecond = 200;

const receiver = fork(join(import.meta.dirname, 'webhook-receiver.ts'), {
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
});
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
    row(delivered, 'pharos', 'bare undici loop, nothing kept', 'bare'),
    row(delivered, 'pharos', 'BullMQ, Redis with appendfsync always', 'bullMq'),
    row(delivered, 'pharos', 'pg-boss, PostgreSQL', 'pgBoss'),
    row(`events per second in batches of ${batch.maxEvents}`, 'batched', 'one a request', 'pharos'),
    {
      what: `ms from event to recorded delivery, p99, with one dead target among ${targetCount}`,
      against: 'without it',
      ratio: median(withDead.map((p99, round) => p99 / (alone[round] ?? Number.NaN))).toFixed(2),
      goal: 'at most 1.10',
      ours: median(withDead).toFixed(0),
      theirs: median(alone).toFixed(0),
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
  for (let round = 0; round <= rounds; round++) {
    const rates: Record<string, number> = {};
    // What Pharos sends in the first round is what the others send in all.
    rates['pharos'] = await dispatchAll(world, single, count, round === 0 ? samples : null);
    rates['batched'] = await dispatchAll(world, batched, batchedCount, null);
    for (const [name, sender] of Object.entries(others)) {
      await sender.write(samples);
      const startedAt = performance.now();
      await sender.send();
      rates[name] = perSecond(samples.length, startedAt);
    }
    console.log(round === 0 ? 'warm-up' : `round ${round}`, describe(rates));
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

/** 99th percentiles of pairs. Who comes first alternates. */
async function measureDeadTarget(): Promise<Record<'alone' | 'withDead', number[]>> {
  const measured = { alone: [] as number[], withDead: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const inOrder = round % 2 === 0 ? (['alone', 'withDead'] as const) : (['withDead', 'alone'] as const);
    for (const kind of inOrder) measured[kind].push(await deliverSteadily(kind === 'withDead'));
    console.log(`p99 in ms: ${measured.alone[round]} alone, ${measured.withDead[round]} with a dead target`);
  }
  return measured;
}

/** Events at a steady rate, each target in its turn; answers the 99th percentile of those that answer. */
async function deliverSteadily(hasDead: boolean): Promise<number> {
  const world = await openWebhookWorld();
  const events = seconds * eventsPerSecond;
  const devices = Math.ceil(events / targetCount);
  const targets = await Promise.all(
    Array.from({ length: targetCount }, async (_, index) => {
      if (index > 0) return world.addTarget(`${origin}/hook`, devices);
      return hasDead ? world.addTarget(`${origin}/dead`, devices) : null;
    }),
  );
  const delays: number[] = [];
  const dispatcher = world.createDispatcher((delaysMs) => delays.push(...delaysMs));
  dispatcher.start();
  const startedAt = performance.now();
  let expected = 0;
  const reported: Promise<void>[] = [];
  for (let event = 0; event < events; event++) {
    await delay(Math.max(0, startedAt + (event / eventsPerSecond) * 1_000 - performance.now()));
    const target = targets[event % targetCount];
    const device = target?.devices[Math.floor(event / targetCount)];
    if (!target || !device) continue;
    if (event % targetCount > 0) expected += 1;
    reported.push(world.report(target, [device]).then(() => dispatcher.wake()));
  }
  await Promise.all(reported);
  while (delays.length < expected) await delay(20);
  await dispatcher.stop();
  await world.close();
  return delays.toSorted((one, other) => one - other)[Math.floor(delays.length * 0.99)] ?? Number.NaN;
}

function perSecond(events: number, startedAt: number): number {
  return (events / (performance.now() - startedAt)) * 1_000;
}

function describe(rates: Readonly<Record<string, number>>): string {
  return Object.entries(rates)
    .map(([name, value]) => `${name} ${value.toFixed(0)}/s`)
    .join(', ');
}
