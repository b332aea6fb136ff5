import type { DeliveryRecord, PublishTarget } from '../../core/ports/publish-store.ts';
import { browserFamilyOf } from '../../protocol/browser-family.ts';
import type { CountedOutcome } from './counted-outcome.ts';
import { userStates } from './user-states.ts';

export interface OutcomeCount {
  readonly platform: string;
  /** Of a browser; '' on phones. */
  readonly family: string;
  readonly outcome: CountedOutcome;
  count: number;
}

export type DeferredRecord = DeliveryRecord & { readonly outcome: { readonly kind: 'deferred' } };

/** What deliveries of a publish came to. */
export interface Tally {
  readonly counts: readonly OutcomeCount[];
  /** By number; of a publish to users. */
  readonly userStates: ReadonlyMap<number, number>;
  readonly deferred: readonly DeferredRecord[];
  /** Devices that are to be tombstoned, if their address is still the one that is gone. */
  readonly gone: readonly DeliveryRecord[];
}

export function tally(targetKind: PublishTarget['kind'], deliveries: readonly DeliveryRecord[]): Tally {
  const counts = new Map<string, OutcomeCount>();
  const states = new Map<number, number>();
  const deferred: DeferredRecord[] = [];
  const gone: DeliveryRecord[] = [];
  for (const delivery of deliveries) {
    const { platform, userNumber, address, outcome } = delivery;
    if (outcome.kind === 'deferred') {
      deferred.push({ ...delivery, outcome });
      continue;
    }
    const family = platform === 'web' ? browserFamilyOf(address) : '';
    const isTracked = outcome.kind === 'accepted' && outcome.tracked;
    for (const counted of isTracked ? (['accepted', 'triggered'] as const) : [outcome.kind]) {
      const key = `${platform} ${family} ${counted}`;
      const entry = counts.get(key) ?? { platform, family, outcome: counted, count: 0 };
      entry.count += 1;
      counts.set(key, entry);
    }
    if (targetKind === 'users' && userNumber !== null) {
      const state = outcome.kind === 'accepted' ? userStates.delivered : userStates.failed;
      states.set(userNumber, Math.max(state, states.get(userNumber) ?? 0));
    }
    if (outcome.kind === 'gone' && !outcome.keepDevice) gone.push(delivery);
  }
  return { counts: [...counts.values()], userStates: states, deferred, gone };
}
