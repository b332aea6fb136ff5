import type { WebhookBatch, WebhookFilter, WebhookOptions } from '../ports/instance-store.ts';
import type { Webhook } from './instance.ts';
import { firstInvalid, invalid } from './invalid-field.ts';
import type { InvalidField } from './invalid-field.ts';

/** As Beams sends: everything, at once, each event in a request of its own. */
export const defaultWebhookOptions: WebhookOptions = {
  signing: 'beams',
  retryPolicy: 'beams',
  maxInFlight: 64,
  maxPerSecond: null,
  filter: {},
  batch: null,
};

/** Of all requests in flight, one webhook never has more than a quarter. */
const inFlightLimit = 256;
const perSecondLimit = 10_000;
const maxFilterInterests = 100;
const maxNameLength = 164;
const maxBatchEvents = 1_000;
const maxBatchWaitMs = 60_000;

export function checkWebhookOptions({ format, options }: Pick<Webhook, 'format' | 'options'>): InvalidField | null {
  const { maxInFlight, maxPerSecond, filter, batch } = options;
  return firstInvalid([
    checkNumber('options.maxInFlight', maxInFlight, 1, inFlightLimit),
    maxPerSecond === null ? null : checkNumber('options.maxPerSecond', maxPerSecond, 1, perSecondLimit),
    checkFilter(filter),
    batch && checkBatch(format, batch),
  ]);
}

function checkFilter({ interests, userPrefix }: WebhookFilter): InvalidField | null {
  if (interests && !isNameList(interests)) {
    const expected = `1 to ${maxFilterInterests} interests, each at most once and of 1 to ${maxNameLength} characters`;
    return invalid('options.filter.interests', expected);
  }
  if (userPrefix !== undefined && !isName(userPrefix)) {
    return invalid('options.filter.userPrefix', `a text of 1 to ${maxNameLength} characters`);
  }
  return null;
}

function checkBatch(format: Webhook['format'], { maxEvents, maxWaitMs }: WebhookBatch): InvalidField | null {
  if (format === 'classic')
    return invalid('options.batch', 'null in the classic format, which has one event a request');
  return firstInvalid([
    checkNumber('options.batch.maxEvents', maxEvents, 2, maxBatchEvents),
    checkNumber('options.batch.maxWaitMs', maxWaitMs, 0, maxBatchWaitMs),
  ]);
}

const checkNumber = (field: string, value: number, from: number, to: number): InvalidField | null =>
  Number.isInteger(value) && value >= from && value <= to
    ? null
    : invalid(field, `a whole number from ${from} to ${to}`);

const isNameList = (names: readonly string[]): boolean =>
  names.length > 0 && names.length <= maxFilterInterests && new Set(names).size === names.length && names.every(isName);

const isName = (text: string): boolean => text.length > 0 && text.length <= maxNameLength && text.isWellFormed();
