import type { Clock } from '../../core/ports/clock.ts';
import type { DeliveryOutcome } from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';

export interface CredentialsPauseDeps {
  readonly platform: 'fcm' | 'apns';
  readonly clock: Clock;
  readonly log: Log;
  /** A minute when left out. */
  readonly pauseMs?: number | undefined;
}

/**
 * A service that has refused credentials is not asked with them again for a while: deliveries wait in the store meanwhile,
 * and the operator is told. Credentials that are set anew are another object, and start afresh.
 */
export interface CredentialsPause {
  /** What becomes of deliveries with these credentials now; null: they are to be tried. */
  outcome(credentials: object): DeliveryOutcome | null;
  /** The service refuses them. */
  refused(credentials: object, instanceId: string, reason: string): DeliveryOutcome;
  /** The service has taken them. */
  accepted(credentials: object, instanceId: string): void;
}

export function createCredentialsPause({
  platform,
  clock,
  log,
  pauseMs = 60_000,
}: CredentialsPauseDeps): CredentialsPause {
  const paused = new WeakMap<object, { readonly reason: string; readonly until: number }>();
  const unauthorized = (reason: string, retryAfterMs: number): DeliveryOutcome => ({
    kind: 'unauthorized',
    reason,
    retryAfterMs,
  });
  return {
    outcome(credentials) {
      const pause = paused.get(credentials);
      const restMs = pause ? pause.until - clock() : 0;
      return pause && restMs > 0 ? unauthorized(pause.reason, restMs) : null;
    },
    refused(credentials, instanceId, reason) {
      // Requests in flight together are refused together: one line tells of them.
      if ((paused.get(credentials)?.until ?? 0) <= clock()) {
        log.error('platform.paused', {
          instanceId,
          platform,
          reason,
          pauseMs,
          mend: `pharos credentials set-${platform} ${instanceId} …`,
        });
        paused.set(credentials, { reason, until: clock() + pauseMs });
      }
      return unauthorized(reason, pauseMs);
    },
    accepted(credentials, instanceId) {
      if (!paused.delete(credentials)) return;
      log.info('platform.resumed', { instanceId, platform });
    },
  };
}
