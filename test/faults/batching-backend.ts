import type { HttpHandler } from '../support/http-handler.ts';
import { chosenBy } from './seeded.ts';

/** One request with a batch of events. */
export interface BatchRequest {
  readonly at: number;
  readonly batchId: string;
  readonly publishIds: readonly string[];
  readonly body: string;
  readonly status: number;
}

export interface BatchingBackend {
  readonly host: string;
  readonly handler: HttpHandler;
  readonly requests: readonly BatchRequest[];
}

interface BatchJson {
  readonly events: readonly { readonly payload: { readonly publish_id: string } }[];
}

/** A customer's backend that refuses one batch in four the first time, chosen by the seed and its id: not so many that it is left alone. */
export function createBatchingBackend(seed: number): BatchingBackend {
  const requests: BatchRequest[] = [];
  return {
    host: 'batches.customer.example',
    requests,
    handler({ headers, body: bytes }) {
      const body = bytes.toString();
      const { events } = JSON.parse(body) as BatchJson;
      const batchId = String(headers['webhook-request-id-uuid']);
      const isFirst = !requests.some((request) => request.batchId === batchId);
      const status = isFirst && chosenBy(4, seed, batchId) === 0 ? 500 : 200;
      const publishIds = events.map(({ payload }) => payload.publish_id);
      requests.push({ at: Date.now(), batchId, publishIds, body, status });
      return { status };
    },
  };
}

/** What is wrong with what the backend saw; `excuses`: kills, each of which may have made it see something again. */
export function checkBatches(
  { requests }: BatchingBackend,
  promised: readonly string[],
  excuses: number,
): readonly string[] {
  const problems: string[] = [];
  const byBatch = Map.groupBy(requests, ({ batchId }) => batchId);
  const batchOf = new Map<string, string>();
  let repeats = 0;
  for (const [batchId, attempts] of byBatch) {
    if (new Set(attempts.map(({ body }) => body)).size > 1) problems.push(`batch ${batchId} changed`);
    const taken = attempts.filter(({ status }) => status === 200).length;
    if (taken === 0) problems.push(`batch ${batchId} was never taken`);
    repeats += Math.max(0, taken - 1);
    for (const publishId of attempts[0]?.publishIds ?? []) {
      if (batchOf.has(publishId)) problems.push(`${publishId} is in batch ${batchId} and in ${batchOf.get(publishId)}`);
      batchOf.set(publishId, batchId);
    }
  }
  for (const publishId of promised) if (!batchOf.has(publishId)) problems.push(`${publishId} was lost`);
  if (repeats > excuses) problems.push(`${repeats} batches were sent again after they were taken`);
  return problems;
}
