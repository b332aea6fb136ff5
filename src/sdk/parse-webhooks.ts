import type { ClassicWebhooks } from '../browser/instance-record.ts';
import type { ClassicEvent } from '../protocol/push-payload.ts';
import { classicEvents } from '../protocol/push-payload.ts';

/** As in the classic `init`: "One URL per event. `cors` defaults to false." */
export type WebhookOptions = { readonly cors?: boolean } & { readonly [Event in ClassicEvent]?: string };

/** Throws for what browsers would never send to: "`http:` URLs are refused, loudly, loopback excepted". */
export function parseWebhooks({ cors = false, ...urls }: WebhookOptions): ClassicWebhooks {
  for (const [event, url] of Object.entries(urls)) {
    if (!(classicEvents as readonly string[]).includes(event))
      throw new Error(`Pharos: webhooks: there is no event "${event}", only ${classicEvents.join(', ')}`);
    if (!isSafe(url))
      throw new Error(`Pharos: webhooks: the URL of "${event}" must begin with https://, browsers block "${url}"`);
  }
  return { cors, urls };
}

function isSafe(text: string): boolean {
  try {
    const { protocol, hostname } = new URL(text);
    return protocol === 'https:' || (protocol === 'http:' && /^(.+\.)?localhost$|^127\.|^\[::1\]$/.test(hostname));
  } catch {
    return false; // not an address at all
  }
}
