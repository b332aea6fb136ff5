import type { Instance } from './instance.ts';

/** The secret keys that work now: the present one, then the previous one until its overlap ends. */
export function acceptedSecretKeys({ secretKey, previousSecretKey: previous }: Instance, now: number): string[] {
  return previous && now < previous.endsAt ? [secretKey, previous.key] : [secretKey];
}
