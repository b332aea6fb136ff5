import type { ClaimedMessage } from '../ports/message-store.ts';
import type { ClaimedRequest } from './requests-by-target.ts';

/** A user of an instance whose name was erased. */
export interface ErasedUser {
  readonly instanceId: string;
  readonly user: string;
}

/** Names that were erased of late: what was claimed before still says them. */
interface ErasedNames {
  readonly add: (erased: ErasedUser) => void;
  /** What was claimed at that time, as it would be now. */
  readonly leaveOut: (claimed: ClaimedRequest, claimedAt: number) => ClaimedRequest;
}

/** Longer than anything waits in memory between its claim and its attempt. */
const rememberMs = 60_000;

/** `now`: milliseconds of a clock that never jumps. */
export function createErasedNames(now: () => number): ErasedNames {
  /** When each was erased, those of long ago first. */
  const erasedAt = new Map<string, number>();
  const present = (message: ClaimedMessage, claimedAt: number): ClaimedMessage => {
    const { instanceId, user } = message;
    if (user === null || user === 'erased') return message;
    // Later it may be the name of somebody else.
    const at = erasedAt.get(keyOf(instanceId, user.name));
    return at !== undefined && at >= claimedAt ? { ...message, user: 'erased' } : message;
  };
  return {
    add({ instanceId, user }) {
      for (const [key, at] of erasedAt) {
        if (at > now() - rememberMs) break;
        erasedAt.delete(key);
      }
      const key = keyOf(instanceId, user);
      erasedAt.delete(key);
      erasedAt.set(key, now());
    },
    leaveOut(claimed, claimedAt) {
      if (erasedAt.size === 0) return claimed;
      const [first, ...others] = claimed;
      return [present(first, claimedAt), ...others.map((message) => present(message, claimedAt))];
    },
  };
}

const keyOf = (instanceId: string, user: string): string => `${instanceId} ${user}`;
