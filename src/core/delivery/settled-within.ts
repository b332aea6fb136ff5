/** Of the promises, as long as more are missing the wait is not for a few stragglers. */
const fewShare = 0.1;
/** So long nobody is a straggler. */
const shortestWaitMs = 200;

/**
 * What the promises gave within a time, by their index; none of them rejects. Who is missing has not settled. The last
 * few are waited for only as long again as the others took, since what those gave is known to nobody else until then.
 */
export async function settledWithin<Value>(
  promises: readonly Promise<Value>[],
  timeoutMs: number,
): Promise<ReadonlyMap<number, Value>> {
  if (promises.length === 0) return new Map();
  const settled = new Map<number, Value>();
  const few = Math.max(1, Math.floor(promises.length * fewShare));
  const startedAt = performance.now();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let timer = setTimeout(end, timeoutMs);
  let isOver = false;
  promises.forEach((promise, index) => {
    void promise.then((value) => {
      settled.set(index, value);
      const missing = promises.length - settled.size;
      if (missing === 0) end();
      if (missing !== few || isOver) return;
      const elapsedMs = performance.now() - startedAt;
      clearTimeout(timer);
      timer = setTimeout(end, Math.min(Math.max(2 * elapsedMs, shortestWaitMs), timeoutMs) - elapsedMs);
    });
  });
  await ended;
  isOver = true;
  clearTimeout(timer);
  return new Map(settled);
}
