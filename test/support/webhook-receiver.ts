import { createHmac } from 'node:crypto';
import type { Answer, HttpHandler, ReceivedRequest } from './http-handler.ts';
import { waitFor } from './wait-for.ts';

/** Every key that a Beams webhook of any kind may have. */
export interface WebhookJson {
  readonly payload?: Readonly<Record<string, string | readonly string[]>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly custom_data?: Readonly<Record<string, unknown>>;
  readonly publishId?: string;
  readonly status?: string;
  readonly requestBody?: Readonly<Record<string, unknown>>;
  readonly results?: Readonly<Record<string, Readonly<Record<string, number | boolean>>>>;
}

export interface ReceivedWebhook {
  readonly request: ReceivedRequest;
  /** The body as JSON, or null when it is none. */
  readonly json: WebhookJson | null;
  readonly eventType: string | undefined;
  /** Whether `Webhook-Signature` is the hex HMAC-SHA1 of the exact body with the receiver's secret. */
  readonly signatureIsGood: boolean;
}

export interface WebhookReceiver {
  /** Give it to a TLS front or an HTTP server. */
  readonly handler: HttpHandler;
  /** In the order of arrival, repeats included. */
  readonly received: readonly ReceivedWebhook[];
  /** Answers the next requests with these, one each; afterwards 200 again. */
  readonly answerNext: (...answers: readonly (Answer | Promise<Answer>)[]) => void;
  readonly waitFor: (
    what: string,
    condition: (webhook: ReceivedWebhook) => boolean,
    timeoutMs?: number,
  ) => Promise<ReceivedWebhook>;
}

/** A customer's webhook backend: records every request raw and verifies Beams' signature. */
export function createWebhookReceiver(secret: string): WebhookReceiver {
  const received: ReceivedWebhook[] = [];
  const answers: (Answer | Promise<Answer>)[] = [];
  return {
    handler(request) {
      const signature = createHmac('sha1', secret).update(request.body).digest('hex');
      received.push({
        request,
        json: parseObject(request.body.toString()),
        eventType: request.headers['webhook-event-type']?.toString(),
        signatureIsGood: request.headers['webhook-signature'] === signature,
      });
      return answers.shift() ?? { status: 200 };
    },
    received,
    answerNext: (...next) => void answers.push(...next),
    waitFor: (what, condition, timeoutMs) => waitFor(what, () => received.find(condition), timeoutMs),
  };
}

function parseObject(text: string): ReceivedWebhook['json'] {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not JSON: the test that cares sees null
  }
}
