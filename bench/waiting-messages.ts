import { randomUUID } from 'node:crypto';
import { v7 } from 'uuid';
import { defaultWebhookOptions } from '../src/core/instances/webhook-options.ts';
import { runOne } from '../src/core/ports/command.ts';
import type { DeviceKey } from '../src/core/ports/device-store.ts';
import type { Store } from '../src/core/ports/store.ts';

const itemsPerCommand = 1_000;
const sealed = new Uint8Array(80);

/** An instance and its webhook, with a message that waits from every device, each of which has reported one publish; answers its id. */
export async function addMessages(store: Store, instanceId: string, devices: readonly DeviceKey[]): Promise<string> {
  const webhookId = randomUUID();
  await runOne(store.createInstances, {
    ...{ id: instanceId, name: 'bench', createdAt: 0, allowedOrigins: null, feed: false },
    ...{ secretKey: sealed, previousSecretKey: null, vapidPublicKey: sealed, vapidPrivateKey: sealed },
  });
  await runOne(store.createWebhooks, {
    instanceId,
    id: webhookId,
    url: sealed,
    format: 'beams',
    events: ['v1.NotificationDisplayed'],
    options: defaultWebhookOptions,
    secret: sealed,
    previousSecret: null,
    signingKey: null,
    headers: null,
    customData: '{}',
    createdAt: 0,
    disabledAt: null,
    disabledReason: null,
  });
  const publishId = v7();
  await runOne(store.acceptPublishes, {
    instanceId,
    publishId,
    target: { kind: 'everyone' },
    platforms: ['web'],
    body: { content: {}, request: { text: 'x'.repeat(400) } },
    urlTarget: null,
  });
  for (let start = 0; start < devices.length; start += itemsPerCommand) {
    const results = await store.recordReports(
      devices.slice(start, start + itemsPerCommand).map((device) => ({
        ...device,
        publishId,
        kind: 'displayed',
        happenedAt: 1,
        notifiesUserWebhooks: true,
        appInBackground: null,
        hasDisplayableContent: null,
        hasData: null,
      })),
    );
    if (!results.every((result) => result.ok && result.value.kind === 'recorded' && result.value.messages === 1))
      throw new Error('a report made no message');
  }
  return webhookId;
}

/** Claims that many messages of a webhook and records that each was delivered. */
export async function deliverMessages(
  store: Store,
  target: { readonly instanceId: string; readonly target: string },
  count: number,
): Promise<void> {
  const targets = [{ ...target, room: count, restMs: 0 }];
  const claimed = await runOne(store.claimMessages, { limit: count, leaseMs: 600_000, targets });
  if (claimed.length < count) throw new Error('too few messages wait');
  const attempt = {
    ...{ startedAt: 1, durationMs: 1, status: 200, error: null, address: '192.0.2.1' },
    ...{ responseHeaders: { server: 'bench' }, responseBody: '', requestHash: '0'.repeat(32) },
  };
  const next = { kind: 'delivered' } as const;
  await store.completeAttempts(claimed.map((message) => ({ ...message, attempt, next })));
}
