import type { ClaimedMessage, MessageTarget } from '../ports/message-store.ts';

/** The messages of one request, under one claim: one, or a batch with its id. */
export type ClaimedRequest = readonly [ClaimedMessage, ...ClaimedMessage[]];

/** A target among all. */
export const keyOf = ({ instanceId, target }: MessageTarget): string => `${instanceId} ${target}`;

/** What was claimed, as requests, each target's in the order of its first messages. */
export function requestsByTarget(messages: readonly ClaimedMessage[]): ReadonlyMap<string, readonly ClaimedRequest[]> {
  const targets = new Map<string, [ClaimedMessage, ...ClaimedMessage[]][]>();
  const batches = new Map<string, ClaimedMessage[]>();
  let last: ClaimedMessage | null = null;
  let requests: [ClaimedMessage, ...ClaimedMessage[]][] = [];
  for (const message of messages) {
    // Most come after one of the same target.
    if (message.target !== last?.target || message.instanceId !== last.instanceId) {
      requests = targets.get(keyOf(message)) ?? [];
      targets.set(keyOf(message), requests);
      last = message;
    }
    const batch = message.batchId === null ? undefined : batches.get(message.batchId);
    if (batch) {
      batch.push(message);
      continue;
    }
    const request: [ClaimedMessage] = [message];
    requests.push(request);
    if (message.batchId !== null) batches.set(message.batchId, request);
  }
  return targets;
}
