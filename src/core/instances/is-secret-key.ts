import { createHash, timingSafeEqual } from 'node:crypto';
import { acceptedSecretKeys } from './accepted-secret-keys.ts';
import type { Instance } from './instance.ts';

/** In constant time; hashed first, because only equal lengths can be compared so. */
export function isSecretKey(instance: Instance, now: number, key: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  const given = hash(key);
  return acceptedSecretKeys(instance, now).filter((accepted) => timingSafeEqual(hash(accepted), given)).length > 0;
}
