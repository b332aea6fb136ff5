import { readFileSync } from 'node:fs';
import PushNotifications from '@pusher/push-notifications-server';
import type { Page } from 'puppeteer-core';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { TestBrowser } from '../support/browser.ts';
import { browserNames } from '../support/browser.ts';
import { startCustomerSite } from '../support/customer-site.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { createWebhookReceiver } from '../support/webhook-receiver.ts';
import {
  addInterest,
  hasSubscription,
  permission,
  registrationState,
  setUser,
  startSdk,
  stopSdk,
  workerIsSettled,
} from './page-sdk.ts';
import { backendHost, usePharosInBrowser } from './pharos-in-browser.ts';

/** The lines that site owners copy, for an instance at an origin. */
function documentedLines(instanceId: string, origin: string): { readonly worker: string; readonly page: string } {
  const document = readFileSync(new URL('../../docs/moving/beams-web.md', import.meta.url), 'utf8');
  const [worker = '', page = ''] = [...document.matchAll(/^```js\n(.*?)^```/gms)].map(([, code = '']) =>
    code.replaceAll('https://pharos.example.com', origin).replaceAll('YOUR_INSTANCE_ID', instanceId),
  );
  expect(worker).toContain(origin);
  expect(page).toContain(instanceId);
  return { worker, page };
}

describe.each(browserNames)('a visitor of another server in %s', (browserName) => {
  const backend = createWebhookReceiver('correct-horse-battery');
  const webhookUrl = `https://${backendHost}/publishes`;
  const world = usePharosInBrowser(browserName, backend.handler);
  let browser: TestBrowser;
  let otherServer: PharosProcess;
  let pharos: PharosProcess;

  beforeAll(async () => {
    ({ browser, pharos } = world());
    otherServer = await world().startAnother();
  });

  interface Customer {
    readonly instanceId: string;
    readonly beams: PushNotifications;
  }

  async function createCustomer(server: PharosProcess, keptId?: string): Promise<Customer> {
    const { id, secretKey } = await server.admin('POST', '/instances', { name: 'shop', ...(keptId && { id: keptId }) });
    const instanceId = String(id);
    // `port` is missing in the SDK's types.
    const options = { instanceId, secretKey: String(secretKey), endpoint: 'localhost', port: server.port };
    return { instanceId, beams: new PushNotifications(options) };
  }

  interface Visitor {
    readonly there: Customer;
    /** Loads a page of the site, as every visit does. */
    readonly visit: () => Promise<Page>;
    /** Loads a page that has the documented lines. */
    readonly visitWithLines: (instanceId: string, origin: string) => Promise<Page>;
    /** From here on the site's backend makes the tokens for its users with this customer's key. */
    readonly moveBackend: (customer: Customer) => void;
  }

  /** Somebody who is subscribed at the other server and has left the site. */
  async function visitorOfOtherServer(): Promise<Visitor> {
    const there = await createCustomer(otherServer);
    let { beams } = there;
    const serviceWorker = `importScripts('/official-worker.js');
      PusherPushNotifications.endpointOverride = '${otherServer.origin}';`;
    const site = await startCustomerSite({ serviceWorker, authenticate: (userId) => beams.generateToken(userId) });
    onTestFinished(() => site.close());
    const visit = async () => {
      const page = await browser.openPage(site.origin);
      onTestFinished(() => (page.isClosed() ? undefined : page.close()));
      return page;
    };
    const page = await visit();
    await page.evaluate(startSdk, there.instanceId, otherServer.origin);
    await page.evaluate(addInterest, 'news');
    await page.evaluate(setUser, 'ann');
    await page.close();
    return {
      there,
      visit,
      async visitWithLines(instanceId, origin) {
        const lines = documentedLines(instanceId, origin);
        site.replaceServiceWorker(lines.worker);
        const moving = await visit();
        await moving.evaluate(`(async () => { ${lines.page} window.client = beamsClient; })()`);
        return moving;
      },
      moveBackend: (customer) => void ({ beams } = customer),
    };
  }

  const publish = async ({ beams }: Customer, title: string): Promise<string> =>
    (await beams.publishToInterests(['news'], { webhookUrl, web: { notification: { title } } })).publishId;

  const finished = async (publishId: string) => {
    const { json } = await backend.waitFor(
      `the end of ${publishId}`,
      (received) => received.json?.status === 'FINISHED' && received.json.publishId === publishId,
    );
    return json?.results;
  };

  test.each(['a new', 'the kept'])('is moved to %s instance id by the documented lines', async (which) => {
    const { there, visitWithLines, moveBackend } = await visitorOfOtherServer();
    const here = await createCustomer(pharos, which === 'the kept' ? there.instanceId : undefined);
    await pharos.admin('POST', `/instances/${here.instanceId}/webhooks`, {
      url: `https://${backendHost}/webhooks`,
      events: ['v1.UserNotificationAcknowledgement'],
      secret: 'correct-horse-battery',
    });
    moveBackend(here);

    const page = await visitWithLines(here.instanceId, pharos.origin);
    expect(await page.evaluate(permission)).toBe('granted');
    expect(await page.evaluate(addInterest, 'news')).toEqual(['news']);
    await page.evaluate(setUser, 'ann');
    await waitFor('our worker to be in charge', () => page.evaluate(workerIsSettled));

    // Shown and acknowledged here, gone there: a customer who publishes to both servers reaches nobody twice.
    const title = `Moved to ${which} id`;
    const publishId = await publish(here, title);
    await browser.desktop.waitForNotification(title);
    const acknowledgement = await backend.waitFor(
      `the acknowledgement of ${publishId}`,
      ({ eventType, json }) =>
        eventType === 'v1.UserNotificationAcknowledgement' && json?.payload?.['publish_id'] === publishId,
    );
    expect(acknowledgement.signatureIsGood).toBe(true);
    expect(acknowledgement.json?.payload).toEqual({
      instance_id: here.instanceId,
      publish_id: publishId,
      user_id: 'ann',
    });
    expect(await finished(await publish(there, `${title}, from there`))).toEqual({
      web: { numSuccessfulPublishes: 0, numFailedPublishes: 1 },
    });

    // The lines may stay: they change nothing for who has moved, and bring nobody back who has stopped.
    const deviceId = await page.evaluate('client.getDeviceId()');
    await page.close();
    const next = await visitWithLines(here.instanceId, pharos.origin);
    expect(await next.evaluate('client.getDeviceId()')).toBe(deviceId);
    await next.evaluate(stopSdk);
    await waitFor('the end of the subscription', async () => !(await next.evaluate(hasSubscription)));
    await next.close();
    const stopped = await visitWithLines(here.instanceId, pharos.origin);
    expect(await stopped.evaluate(registrationState)).toBe('PERMISSION_GRANTED_NOT_REGISTERED_WITH_BEAMS');
  });

  test('is left behind by the SDK alone when the instance id is kept, and caught up by the lines', async () => {
    const { there, visit, visitWithLines } = await visitorOfOtherServer();
    const here = await createCustomer(pharos, there.instanceId);

    const page = await visit();
    await page.evaluate(startSdk, here.instanceId, pharos.origin);
    await expect(page.evaluate(addInterest, 'news')).rejects.toThrow('404: Device not found');
    await page.close();

    const next = await visitWithLines(here.instanceId, pharos.origin);
    expect(await next.evaluate(addInterest, 'news')).toEqual(['news']);
  });

  test('stays there while we cannot be reached', async () => {
    const { there, visitWithLines } = await visitorOfOtherServer();
    await visitWithLines(there.instanceId, 'http://localhost:1');

    const title = `Still there in ${browserName}`;
    const publishId = await publish(there, title);
    await browser.desktop.waitForNotification(title);
    expect(await finished(publishId)).toEqual({ web: { numSuccessfulPublishes: 1, numFailedPublishes: 0 } });
  });
});
