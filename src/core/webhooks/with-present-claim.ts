import { setImmediate } from 'node:timers/promises';

/**
 * Records under the present claim, also one that was renewed while the record was on its way.
 */
export async function withPresentClaim<Claim extends { readonly claimToken: string }, Result>(
  current: () => Claim,
  complete: (claim: Claim) => Promise<Result | 'stale'>,
): Promise<Result | 'stale'> {
  for (;;) {
    const claim = current();
    const result = await complete(claim);
    if (result !== 'stale') return result;
    // What made it stale was answered before: by the next turn of the event loop the new claim has been taken up.
    await setImmediate();
    if (current().claimToken === claim.claimToken) return result;
  }
}
