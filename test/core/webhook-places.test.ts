import { once } from 'node:events';
import { aloneCluster } from '../../src/core/ports/cluster.ts';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { v4, v7 } from 'uuid';
import { expect, onTestFinished, test } from 'vitest';
import type { Store } from '../../src/core/ports/store.ts';
import type { Instance } from '../../src/core/instances/instance.ts';
import { defaultWebhookOptions } from '../../src/core/instances/webhook-options.ts';
import { StoreUnavailable, runOne } from '../../src/core/ports/command.ts';
import { CannotOpen } from '../../src/core/ports/sealer.ts';
import { acceptPublish } from '../../src/core/publish/accept-publish.ts';
import { Dispatcher, messagesAtATime } from '../../src/core/webhooks/dispatcher.ts';
import { retryPolicies } from '../../src/core/webhooks/retry-policies.ts';
import { createAddressGuard } from '../../src/egress/address-guard.ts';
import { createHttpClient } from '../../src/egress/http-client.ts';
import { createSystemNetwork } from '../../src/egress/network.ts';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';
import { openTestStore } from '../support/test-store.ts';
import { waitFor } from '../support/wait-for.ts';

const webhookOf = (path: string) => ({ id: v4(), path });

/** A dispatcher over a real store and real sockets; `answer` decides what the receiver does with a request to a path. */
async function startDispatching(
  paths: readonly string[],
  answer: (path: string) => 'hang' | number,
  disabledAt: (path: string) => number | null = () => null,
  { delayMs = 60_000, through = (store: Store): Store => store } = {},
) {
  const arrived: string[] = [];
  const receiver = createServer((request, response) => {
    const path = request.url ?? '';
    arrived.push(path);
    request.resume();
    const answerMs = answer(path);
    if (path === '/refuses-once' && !arrived.slice(0, -1).includes(path)) response.statusCode = 500;
    if (answerMs !== 'hang') setTimeout(() => response.end(), answerMs);
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;

  const store = await openTestStore();
  const instanceId = v4();
  const webhooks = paths.map(webhookOf);
  const sealed = new Uint8Array(0);
  await runOne(store.createInstances, {
    ...{ id: instanceId, name: 'test', createdAt: 0, allowedOrigins: null, feed: false, previousSecretKey: null },
    ...{ secretKey: sealed, vapidPublicKey: sealed, vapidPrivateKey: sealed },
  });
  const events = ['v1.UserNotificationOpen'] as const;
  for (const { id } of webhooks) {
    const record = {
      instanceId,
      id,
      url: sealed,
      format: 'beams',
      events,
      options: defaultWebhookOptions,
      secret: sealed,
      previousSecret: null,
      signingKey: null,
      headers: null,
      customData: '{}',
      createdAt: 0,
    } as const;
    await runOne(store.createWebhooks, { ...record, disabledAt: null, disabledReason: null });
  }
  const silent = { info: () => {}, warn: () => {}, error: () => {} };
  const http = createHttpClient({
    network: createSystemNetwork(),
    guard: createAddressGuard(['127.0.0.0/8']),
    allowHttp: true,
    maxConnectionsPerOrigin: messagesAtATime,
  });
  const dispatcher = new Dispatcher({
    cluster: aloneCluster,
    store: through(store),
    http,
    clock: Date.now,
    log: silent,
    metrics: { webhookAttempted() {} },
    retryPolicies: {
      ...retryPolicies, // Long enough for a busy machine.
      beams: { ...retryPolicies.beams, delaysMs: [delayMs], timeoutMs: 30_000 },
    },
    breakerPausesMs: [600_000],
    forgetWebhook: () => {},
    sealer: testSealer,
    instances: {
      findWebhook: async (_, webhookId) => {
        const path = webhooks.find(({ id }) => id === webhookId)?.path ?? '';
        if (path === '/sealed') throw new CannotOpen('the keyring has no key 12345678');
        if (path === '/unreadable') throw new SyntaxError('its options are no JSON');
        const url = `http://127.0.0.1:${port}${path}`;
        const about = { instanceId, id: webhookId, url, format: 'beams', events } as const;
        const keys = { secret: 's', previousSecret: null, signingKey: null, headers: {} };
        return {
          ...about,
          ...keys,
          options: defaultWebhookOptions,
          customData: {},
          createdAt: 0,
          disabledAt: disabledAt(path),
          disabledReason: null,
        };
      },
    },
  });
  onTestFinished(async () => {
    const stopped = dispatcher.stop();
    // Nobody waits for those that hang.
    receiver.close();
    receiver.closeAllConnections();
    await stopped;
    await http.close();
    await store.close();
  });

  /** One message per webhook and user. */
  const writeMessages = async (users: number): Promise<void> => {
    const names = Array.from({ length: users }, (_, index) => `user ${index}`);
    const publishId = v7();
    const devices = names.map(() => ({ instanceId, platform: 'web', deviceId: v4() }) as const);
    const stored = { keys: sealed, metadata: '{}', maxDevices: 1_000_000 };
    await store.registerDevices(devices.map((device) => ({ ...device, ...stored, address: device.deviceId })));
    await store.setDeviceUsers(
      devices.map((device, index) => ({ ...device, user: names[index] ?? '', maxDevices: 1 })),
    );
    const publish = { instanceId, publishId, platforms: ['web'], body: { content: {} }, urlTarget: null } as const;
    await runOne(store.acceptPublishes, { ...publish, target: { kind: 'users', users: names } });
    const report = { publishId, kind: 'open', happenedAt: 0, notifiesUserWebhooks: true } as const;
    const nothingMore = { appInBackground: null, hasDisplayableContent: null, hasData: null };
    await store.recordReports(devices.map((device) => ({ ...device, ...report, ...nothingMore })));
  };
  const countStates = async (): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const { id, path } of webhooks) {
      const { messages } = await store.listMessages({ instanceId, webhookId: id, limit: 1_000 });
      for (const { state, attempts } of messages) {
        const key = `${path} ${state} ${attempts}`;
        counts[key] = (counts[key] ?? 0) + 1;
      }
    }
    return counts;
  };
  const listWaiting = async (path: string) => {
    const webhookId = webhooks.find((webhook) => webhook.path === path)?.id ?? '';
    const { messages } = await store.listMessages({ instanceId, webhookId, limit: 1_000 });
    return messages.filter(({ state }) => state === 'waiting');
  };
  /** To nobody, so there is STARTED and FINISHED to tell at once. */
  const publish = async (url: string): Promise<void> => {
    const request = { instanceId, target: { kind: 'interests', interests: ['none'] }, content: {} } as const;
    await acceptPublish(
      {
        ...{ store, log: silent, metrics: { publishRequested() {} } },
        ids: { random: v4, timeOrdered: () => v7(), unguessable: v4 },
        instances: { findInstance: async () => ({ secretKey: 'secret key' }) as Instance },
        onAccepted: () => {},
        onMessages: () => dispatcher.wake(),
      },
      { ...request, webhook: { url, requestBody: {} } },
    );
  };
  return { arrived, port, dispatcher, publish, writeMessages, countStates, listWaiting };
}

test('who is erased after a message was claimed, and before it is sent, is not in it', async () => {
  let onErased: Dispatcher['erased'] = () => {};
  const world = await startDispatching(['/answers'], () => 0, undefined, {
    through: (store) => ({
      ...store,
      async claimMessages(items) {
        const results = await store.claimMessages(items);
        const [claimed] = results.flatMap((result) => (result.ok ? result.value : []));
        if (claimed && claimed.user !== null && claimed.user !== 'erased') {
          const erased = { instanceId: claimed.instanceId, user: claimed.user.name };
          await runOne(store.eraseUsers, erased);
          onErased(erased);
        }
        return results;
      },
    }),
  });
  onErased = (erased) => world.dispatcher.erased(erased);
  await world.writeMessages(1);
  world.dispatcher.start();
  await waitFor('the message to be dropped', async () => (await world.countStates())['/answers dropped 0'] === 1);
  expect(world.arrived).toEqual([]);
});

test('a target that never answers holds up nobody else', async () => {
  const world = await startDispatching(['/hangs', '/answers'], (path) => (path === '/hangs' ? 'hang' : 0));
  await world.writeMessages(300);
  world.dispatcher.start();
  await waitFor('everything to the target that answers', async () => {
    const counts = await world.countStates();
    return counts['/answers delivered 1'] === 300;
  });
  expect(world.arrived.filter((path) => path === '/hangs').length).toBeLessThanOrEqual(64);
});

test('a target that has a place again and comes too late for what a claim takes is in the next one', async () => {
  const paths = Array.from({ length: 24 }, (_, index) => `/slow/${index}`);
  const world = await startDispatching(paths, () => 100);
  await world.writeMessages(150);
  world.dispatcher.start();
  // Nothing waits for the end of a rest, which is 60 s.
  await waitFor('everything to all of them', () => world.arrived.length >= paths.length * 150, 30_000);
  expect(world.arrived).toHaveLength(paths.length * 150);
});

test('a claim that was made although its answer was lost holds up nothing else', async () => {
  let isLost = false;
  const through = (store: Store): Store => ({
    ...store,
    claimMessages: async (items) => {
      const results = await store.claimMessages(items);
      if (isLost || !results.some((result) => result.ok && result.value.length > 0)) return results;
      isLost = true;
      throw new StoreUnavailable('the connection was lost');
    },
  });
  const world = await startDispatching(['/answers'], () => 0, undefined, { through });
  await world.writeMessages(20);
  world.dispatcher.start();
  // Those of the lost claim have leases of 32 s, and the target's rest is 60 s.
  await waitFor('the others', () => world.arrived.length >= 16, 16_000);
  expect(isLost).toBe(true);
});

test('what is claimed for a webhook just before it is enabled is sent', async () => {
  // The store knows already: it was looked at before.
  const seen = [null, 1];
  const world = await startDispatching(
    ['/enabled'],
    () => 0,
    () => seen.shift() ?? null,
  );
  await world.writeMessages(1);
  world.dispatcher.start();
  await waitFor('the message', async () => (await world.countStates())['/enabled delivered 1'] === 1);
  expect(seen).toEqual([]);
});

test('a webhookUrl whose host is down holds up no other', async () => {
  const world = await startDispatching([], () => 0);
  world.dispatcher.start();
  const dead = createTcpServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
  onTestFinished(() => void dead.close());
  await once(dead, 'listening');
  const { port: deadPort } = dead.address() as AddressInfo;
  for (let publish = 0; publish < 10; publish += 1) await world.publish(`http://127.0.0.1:${deadPort}/dead`);
  await waitFor('its breaker to open', async () => world.dispatcher.countHeldUp().open === 1);
  await world.publish(`http://127.0.0.1:${world.port}/well`);
  await waitFor('both webhooks of the publish', async () => world.arrived.length === 2);
  expect(world.dispatcher.countHeldUp().open).toBe(1);
});

test('messages that wait for a place have not used up an attempt', async () => {
  const world = await startDispatching(['/slow'], () => 300);
  await world.writeMessages(200);
  world.dispatcher.start();
  const counts = await waitFor('everything to the slow target', async () => {
    const now = await world.countStates();
    return now['/slow delivered 1'] === 200 && now;
  });
  expect(counts).toEqual({ '/slow delivered 1': 200 });
  expect(world.arrived).toHaveLength(200);
});

test('what was claimed for a target that stops answering is nobody’s again, and none of its attempts is used up', async () => {
  let answered = 0;
  const world = await startDispatching(['/stops'], () => ((answered += 1) <= 120 ? 0 : 'hang'));
  await world.writeMessages(300);
  world.dispatcher.start();
  await waitFor('it to have got all that it may get', async () => world.arrived.length === 120 + 64);
  const waiting = await waitFor('the others to be given back', async () => {
    const now = await world.listWaiting('/stops');
    return now.length === 180 && now.filter(({ claimed }) => claimed).length === 64 && now;
  });
  expect(waiting.every(({ attempts }) => attempts === 0)).toBe(true);
});

test('a message that is claimed again before its first attempt is known to be recorded does not wait for its lease', async () => {
  const completed: (() => void)[] = [];
  // Answers of two connections overtake each other: that of the completion is told after that of the next claim.
  const through = (store: Store): Store => ({
    ...store,
    completeAttempts: async (items) => {
      const results = await store.completeAttempts(items);
      if (items.some(({ next }) => next.kind === 'retry') && completed.length === 0)
        await new Promise<void>((resolve) => completed.push(resolve));
      return results;
    },
    claimMessages: async (items) => {
      const results = await store.claimMessages(items);
      const isClaimed = results.some((result) => result.ok && result.value.length > 0);
      if (isClaimed && completed.length > 0) setTimeout(() => completed[0]?.(), 20);
      return results;
    },
  });
  const world = await startDispatching(['/refuses-once'], () => 0, undefined, { delayMs: 0, through });
  await world.writeMessages(1);
  world.dispatcher.start();
  await waitFor('it to wait for its answer', async () => {
    world.dispatcher.wake();
    return completed.length > 0;
  });
  const isDelivered = async () => {
    world.dispatcher.wake();
    return (await world.countStates())['/refuses-once delivered 2'] === 1;
  };
  // Leases are 32 s long.
  await waitFor('the second attempt', isDelivered, 16_000);
  expect(world.arrived).toHaveLength(2);
});

test('a webhook whose master key is missing, or that cannot be read, keeps its messages and stops nobody else’s', async () => {
  const world = await startDispatching(['/sealed', '/unreadable', '/answers'], () => 0);
  await world.writeMessages(20);
  const startedAt = Date.now();
  world.dispatcher.start();
  await waitFor('everything else', async () => (await world.countStates())['/answers delivered 1'] === 20);
  await waitFor('the others to be postponed', async () => {
    const waiting = await world.listWaiting('/sealed');
    return waiting.length === 20 && waiting.every(({ claimed, dueAt }) => !claimed && (dueAt ?? 0) > Date.now());
  });
  const waiting = await world.listWaiting('/sealed');
  expect(waiting.map(({ attempts }) => attempts)).toEqual(Array(20).fill(0));
  expect(await world.listWaiting('/unreadable')).toHaveLength(20);
  expect(Math.min(...waiting.map(({ dueAt }) => dueAt ?? 0))).toBeGreaterThanOrEqual(startedAt + 30_000);
});
