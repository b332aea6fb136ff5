/**
 * The baseline: `web-push.sendNotification` in a loop, connections kept alive. Speaks over IPC: `{count, concurrency}`
 * sends that many; `{cpuMs}` comes back.
 */
import { createECDH, randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import webPush from 'web-push';

export interface SendOrder {
  readonly endpointOrigin: string;
  readonly count: number;
  readonly concurrency: number;
  readonly payload: string;
}

const vapid = webPush.generateVAPIDKeys();
let agent: Agent | null = null;
const keys = Array.from({ length: 1000 }, () => ({
  p256dh: createECDH('prime256v1').generateKeys().toString('base64url'),
  auth: randomBytes(16).toString('base64url'),
}));

process.on('message', (order: SendOrder) => {
  void send(order).then((cpuMs) => process.send?.({ cpuMs }));
});
process.on('disconnect', () => process.exit());

async function send({ endpointOrigin, count, concurrency, payload }: SendOrder): Promise<number> {
  agent ??= new Agent({ keepAlive: true, maxSockets: concurrency });
  const options = {
    agent,
    vapidDetails: { subject: 'mailto:bench@pharos.example', publicKey: vapid.publicKey, privateKey: vapid.privateKey },
  };
  const before = process.cpuUsage();
  let next = 0;
  const sendInTurn = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const subscription = {
        endpoint: `${endpointOrigin}/push/${index}`,
        keys: keys[index % keys.length] as { p256dh: string; auth: string },
      };
      await webPush.sendNotification(subscription, payload, options);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, sendInTurn));
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1000;
}
