import { setImmediate } from 'node:timers/promises';

/**
 * Records under the present claim, also one that was renewed while the record was on its way.
 */
export async function withPresentClaim<Result>(
  claimToken: () => string,
  complete: (claimToken: string) => Promise<Result | 'stale'>,
): Promise<Result | 'stale'> {
  for (;;) {
    const token = claimToken();
    const result = await complete(token);
    if (result !== 'stale') return result;
    // What made it stale was answered before: by the next turn of the event loop the new claim has been taken up.
    await setImmediate();
    if (claimToken() === token) return result;
  }
}
