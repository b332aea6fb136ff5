import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { WebhookBatch, WebhookFilter, WebhookOptions } from '../core/ports/instance-store.ts';
import { webhookRetryPolicies, webhookSignings } from '../protocol/webhook-body.ts';
import { readSecretOption } from './secret-option.ts';
import { parseJsonOption, parseWholeNumber, splitList } from './structured-options.ts';

/** What the flags of `addWebhookOptions` give. */
export interface WebhookFlags {
  readonly signing?: WebhookOptions['signing'];
  readonly retries?: WebhookOptions['retryPolicy'];
  readonly maxInFlight?: number;
  readonly maxPerSecond?: number | null;
  readonly filterInterests?: string[];
  readonly filterUserPrefix?: string;
  readonly unfiltered?: true;
  readonly batch?: WebhookBatch | null;
  readonly headersFile?: string;
}

export const addWebhookOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--signing <scheme>',
        'beams: HMAC-SHA1, or standard: the signatures of Standard Webhooks, HMAC-SHA256 and Ed25519',
      ).choices(webhookSignings),
    )
    .addOption(
      new Option('--retries <policy>', 'beams: four within 8 minutes, or standard: for three days').choices(
        webhookRetryPolicies,
      ),
    )
    .option('--max-in-flight <number>', 'most requests at once', parseWholeNumber)
    .option(
      '--max-per-second <number>',
      'most requests in a second, or none: as many as can be',
      orNone(parseWholeNumber),
    )
    .option('--filter-interests <names>', 'only events of publishes to one of these, separated by commas', splitList)
    .option('--filter-user-prefix <text>', 'only events about users whose names begin so')
    .addOption(new Option('--unfiltered', 'all events again').conflicts(['filterInterests', 'filterUserPrefix']))
    .option(
      '--batch <events,ms>',
      'up to so many events in one request, which waits so many milliseconds for them; or none',
      orNone(parseBatch),
    )
    .option('--headers-file <file>', 'file with a JSON object of headers that each request carries along');

/** As the admin API wants them. */
export function readWebhookOptions(flags: WebhookFlags): { readonly options?: object; readonly headers?: object } {
  const filter = readFilter(flags);
  const options: Partial<WebhookOptions> = {
    ...(flags.signing && { signing: flags.signing }),
    ...(flags.retries && { retryPolicy: flags.retries }),
    ...(flags.maxInFlight !== undefined && { maxInFlight: flags.maxInFlight }),
    ...(flags.maxPerSecond !== undefined && { maxPerSecond: flags.maxPerSecond }),
    ...(filter && { filter }),
    ...(flags.batch !== undefined && { batch: flags.batch }),
  };
  return {
    ...(Object.keys(options).length > 0 && { options }),
    ...(flags.headersFile !== undefined && { headers: parseJsonOption(readSecretOption(flags.headersFile)) }),
  };
}

function readFilter({ filterInterests, filterUserPrefix, unfiltered }: WebhookFlags): WebhookFilter | null {
  if (filterInterests === undefined && filterUserPrefix === undefined) return unfiltered ? {} : null;
  return {
    ...(filterInterests && { interests: filterInterests }),
    ...(filterUserPrefix !== undefined && { userPrefix: filterUserPrefix }),
  };
}

const orNone =
  <Value>(parse: (text: string) => Value) =>
  (text: string): Value | null =>
    text === 'none' ? null : parse(text);

function parseBatch(text: string): WebhookBatch {
  const [, maxEvents, maxWaitMs] = /^(\d{1,9}),(\d{1,9})$/.exec(text) ?? [];
  if (maxEvents === undefined) throw new InvalidArgumentError('It must be two whole numbers, like 100,1000, or none.');
  return { maxEvents: Number(maxEvents), maxWaitMs: Number(maxWaitMs) };
}
