import { expect, test } from 'vitest';
import { withPresentClaim } from './with-present-claim.ts';

test('a claim that was renewed while its record was on its way is recorded under the new one', async () => {
  let claimToken = 'first';
  const used: string[] = [];
  const result = await withPresentClaim(
    () => ({ claimToken }),
    async ({ claimToken: token }) => {
      used.push(token);
      if (token === 'second') return 'recorded';
      // The answer to the claim comes just after this one.
      setImmediate(() => (claimToken = 'second'));
      return 'stale';
    },
  );
  expect([result, used]).toEqual(['recorded', ['first', 'second']]);
});

test('a claim that somebody else has now is lost', async () => {
  let calls = 0;
  const result = await withPresentClaim(
    () => ({ claimToken: 'only' }),
    async () => {
      calls += 1;
      return 'stale' as const;
    },
  );
  expect([result, calls]).toEqual(['stale', 1]);
});
