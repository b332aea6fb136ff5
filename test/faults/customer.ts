import PushNotifications from '@pusher/push-notifications-server';
import { waitFor } from '../support/wait-for.ts';
import type { FaultServer } from './fault-server.ts';
import { chosenBy } from './seeded.ts';

/** A device whose registration, user and interest were all answered 200. */
export interface ReadyDevice {
  readonly deviceId: string;
  readonly deviceToken: string;
  readonly user: string | null;
}

export interface SentPublish {
  readonly request: string;
  /** Null: it was refused with 503, or the connection ended without an answer. */
  readonly publishId: string | null;
  /** With the promise that nothing came of it. */
  readonly refused: boolean;
  /** Names when it went to users, else null: the interest of every device. */
  readonly users: readonly string[] | null;
  readonly hasWebhook: boolean;
  /** Devices that were ready before it was sent. */
  readonly audience: readonly ReadyDevice[];
}

export interface AnsweredReport {
  readonly publishId: string;
  readonly device: ReadyDevice;
  readonly kind: 'delivery' | 'open';
}

/** An answer; null when the connection ended without one. */
export type Answered = { readonly status: number; readonly headers: Headers; readonly text: string } | null;

export interface Customer {
  readonly instanceId: string;
  readonly devices: readonly ReadyDevice[];
  readonly publishes: readonly SentPublish[];
  /** Answered 200. */
  readonly reports: readonly AnsweredReport[];
  /** One request; rejects never. */
  send(method: string, path: string, body?: object, authorization?: string): Promise<Answered>;
  registerDevice(user: string | null): Promise<ReadyDevice>;
  /** To users, or (null) to everybody; sent once, whatever comes of it. */
  publish(users: readonly string[] | null, options?: { readonly webhook?: boolean }): Promise<SentPublish>;
  /** Sent until it is answered 200. */
  report(publishId: string, device: ReadyDevice, kind: AnsweredReport['kind']): Promise<void>;
  /** Lets one in `oneIn` devices that got something report that it was shown and opened. */
  reportDeliveries(oneIn: number): void;
  /** Waits out the time in which nobody listens. */
  serverIsUp(): Promise<void>;
  /** Resolves when no report waits for its answer. */
  reportsAnswered(): Promise<void>;
}

type SeenByCustomer = Pick<FaultServer, 'pushService' | 'targets'> & {
  readonly pharos: Pick<FaultServer['pharos'], 'origin' | 'admin'>;
};

const interest = 'everybody';
const events = ['v1.PublishToUsersAttempt', 'v1.UserNotificationAcknowledgement', 'v1.UserNotificationOpen'];

/** An instance with a webhook for all events, and what a ledger needs to know of all that was asked of the server. */
export async function createCustomer(
  { pharos, pushService, targets }: SeenByCustomer,
  seed: number,
): Promise<Customer> {
  const { id, secretKey } = (await pharos.admin('POST', '/instances', { name: 'faults' })) as Record<string, string>;
  const instanceId = String(id);
  await pharos.admin('POST', `/instances/${instanceId}/webhooks`, {
    url: `https://${targets.host}/webhooks`,
    events,
    secret: 'secret-of-the-webhook',
  });
  const beams = new PushNotifications({ instanceId, secretKey: String(secretKey) });
  const devices: ReadyDevice[] = [];
  const publishes: SentPublish[] = [];
  const reports: AnsweredReport[] = [];
  const unanswered = new Set<Promise<void>>();
  let requests = 0;

  const send: Customer['send'] = async (method, path, body, authorization) => {
    try {
      const response = await fetch(pharos.origin + path, {
        method,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(authorization && { authorization: `Bearer ${authorization}` }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch {
      return null; // killed in the middle, or not up yet
    }
  };

  const sendUntilDone = (what: string, ...request: Parameters<Customer['send']>): Promise<string> =>
    waitFor(
      what,
      async () => {
        const answer = await send(...request);
        if (answer && answer.status !== 200 && answer.status !== 503)
          throw new Error(`${what}: ${answer.status} ${answer.text}`);
        return answer?.status === 200 && { text: answer.text };
      },
      60_000,
    ).then(({ text }) => text);

  const customer: Customer = {
    instanceId,
    devices,
    publishes,
    reports,
    send,
    async registerDevice(user) {
      const { deviceToken, subscription } = pushService.subscribe();
      const base = `/device_api/v1/instances/${instanceId}/devices/web`;
      const body = { token: btoa(JSON.stringify(subscription)), metadata: { sdkVersion: '2.1.0' } };
      const { id } = JSON.parse(await sendUntilDone('a registration', 'POST', base, body)) as { id: string };
      const userToken = user === null ? null : beams.generateToken(user).token;
      if (userToken) await sendUntilDone('a user', 'PUT', `${base}/${id}/user`, undefined, userToken);
      await sendUntilDone('an interest', 'POST', `${base}/${id}/interests/${interest}`);
      const device = { deviceId: id, deviceToken, user };
      devices.push(device);
      return device;
    },
    async publish(users, { webhook = false } = {}) {
      const request = `${instanceId} request ${++requests}`;
      const audience = devices.filter(({ user }) => users === null || (user !== null && users.includes(user)));
      const answer = await send(
        'POST',
        `/publish_api/v1/instances/${instanceId}/publishes/${users ? 'users' : 'interests'}`,
        {
          ...(users ? { users } : { interests: [interest] }),
          ...(webhook && { webhookUrl: `https://name:password@${targets.host}/publish-webhook` }),
          web: { notification: { title: 'Hello', body: request }, data: { request } },
        },
        String(secretKey),
      );
      if (answer && answer.status !== 200 && answer.status !== 503)
        throw new Error(`a publish: ${answer.status} ${answer.text}`);
      const publishId =
        answer?.status === 200 ? (JSON.parse(answer.text) as { readonly publishId: string }).publishId : null;
      const refused = answer?.status === 503 && !answer.text.includes('may have been stored');
      const sent = { request, publishId, refused, users, hasWebhook: webhook, audience };
      publishes.push(sent);
      return sent;
    },
    async report(publishId, device, kind) {
      await sendUntilDone('a report', 'POST', `/reporting_api/v2/instances/${instanceId}/events`, {
        event: kind,
        publishId,
        deviceId: device.deviceId,
        userId: device.user,
        timestampSecs: Math.floor(Date.now() / 1000),
      });
      reports.push({ publishId, device, kind });
    },
    reportDeliveries(oneIn) {
      pushService.watchers.add(({ publishId, deviceToken }) => {
        const device = devices.find((known) => known.deviceToken === deviceToken);
        if (!device || chosenBy(oneIn, seed, publishId, deviceToken) !== 0) return;
        const reporting = customer
          .report(publishId, device, 'delivery')
          .then(() => customer.report(publishId, device, 'open'));
        unanswered.add(reporting);
        void reporting.then(() => unanswered.delete(reporting));
      });
    },
    serverIsUp: () => sendUntilDone('the server', 'GET', '/readyz').then(() => undefined),
    async reportsAnswered() {
      while (unanswered.size > 0) await Promise.all(unanswered);
    },
  };
  return customer;
}
