import { hash, timingSafeEqual } from 'node:crypto';
import { acceptedSecretKeys } from './accepted-secret-keys.ts';
import type { Instance } from './instance.ts';

/** In hexadecimal digits: to get bytes from `hash` costs more than the hash itself. */
const digest = (text: string): Buffer => Buffer.from(hash('sha256', text, 'hex'));

/** Of the keys of instances that are in memory. */
const digests = new WeakMap<Instance, Map<string, Buffer>>();

/** In constant time; hashed first, because only equal lengths can be compared so. */
export function isSecretKey(instance: Instance, now: number, key: string): boolean {
  const given = digest(key);
  return (
    acceptedSecretKeys(instance, now).filter((accepted) => timingSafeEqual(digestOf(instance, accepted), given))
      .length > 0
  );
}

function digestOf(instance: Instance, key: string): Buffer {
  let known = digests.get(instance);
  if (!known) digests.set(instance, (known = new Map()));
  let found = known.get(key);
  if (!found) known.set(key, (found = digest(key)));
  return found;
}
