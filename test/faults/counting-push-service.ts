import { randomBytes } from 'node:crypto';
import type { SimulatedBrowser } from '../../demo/simulated-browser.ts';
import { createSimulatedBrowser } from '../../demo/simulated-browser.ts';
import type { HttpHandler } from '../support/http-handler.ts';
import { chosenBy } from './seeded.ts';

/** One push that the service accepted: the device has it. */
export interface CountedDelivery {
  readonly at: number;
  readonly publishId: string;
  /** The publish's `data.request`: which request of the driver it comes from. */
  readonly request: string;
  /** Last part of the endpoint. */
  readonly deviceToken: string;
}

export interface CountingPushService {
  readonly host: string;
  readonly handler: HttpHandler;
  readonly deliveries: readonly CountedDelivery[];
  /** Called once a push was counted, before it is answered. */
  readonly watchers: Set<(delivery: CountedDelivery) => void>;
  subscribe(): SimulatedBrowser & { readonly deviceToken: string };
}

/**
 * A push service whose devices count what they got. Of its answers, chosen by the seed, some first ones are 503 (the
 * delivery is deferred) and some take longer than a page waits (it is parked). One browser in sixty gets a 503 first for
 * every publish: whoever waits for a deferred delivery must not wait for luck.
 */
export function createCountingPushService(seed: number): CountingPushService {
  const host = 'updates.push.services.mozilla.com';
  const browsers = new Map<string, SimulatedBrowser>();
  const unlucky = new Set<string>();
  const refused = new Set<string>();
  const deliveries: CountedDelivery[] = [];
  const service: CountingPushService = {
    host,
    deliveries,
    watchers: new Set(),
    async handler({ path, body }) {
      const deviceToken = path.slice('/wpush/'.length);
      const browser = browsers.get(deviceToken);
      if (!browser) return { status: 410 };
      const { data } = browser.decrypt(body);
      const { publishId } = data.pusher;
      const mood = chosenBy(300, seed, publishId, deviceToken);
      const key = `${publishId} ${deviceToken}`;
      if ((mood < 5 || unlucky.has(deviceToken)) && !refused.has(key)) {
        refused.add(key);
        return { status: 503 };
      }
      const request = String((data as { readonly request?: string }).request);
      const delivery = { at: Date.now(), publishId, request, deviceToken };
      deliveries.push(delivery);
      for (const watch of service.watchers) watch(delivery);
      if (mood === 5) await new Promise((resolve) => setTimeout(resolve, 1_300));
      return { status: 201 };
    },
    subscribe() {
      const deviceToken = randomBytes(16).toString('hex');
      const browser = createSimulatedBrowser(deviceToken, `https://${host}/wpush/${deviceToken}`);
      browsers.set(deviceToken, browser);
      if (browsers.size % 60 === 0) unlucky.add(deviceToken);
      return { ...browser, deviceToken };
    },
  };
  return service;
}
