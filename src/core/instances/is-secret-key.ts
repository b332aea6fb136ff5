import { hash, timingSafeEqual } from 'node:crypto';
import { acceptedSecretKeys } from './accepted-secret-keys.ts';
import type { Instance } from './instance.ts';

/** In constant time; hashed first, because only equal lengths can be compared so. */
export function isSecretKey(instance: Instance, now: number, key: string): boolean {
  const digest = (text: string): Buffer => hash('sha256', text, 'buffer');
  const given = digest(key);
  return acceptedSecretKeys(instance, now).filter((accepted) => timingSafeEqual(digest(accepted), given)).length > 0;
}
