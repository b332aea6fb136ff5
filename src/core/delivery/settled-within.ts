/** What the promises gave within a time, by their index; none of them rejects. Who is missing has not settled. */
export async function settledWithin<Value>(
  promises: readonly Promise<Value>[],
  timeoutMs: number,
): Promise<ReadonlyMap<number, Value>> {
  const settled = new Map<number, Value>();
  const all = Promise.all(promises.map(async (promise, index) => settled.set(index, await promise)));
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([all, new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs)))]);
  clearTimeout(timer);
  return new Map(settled);
}
