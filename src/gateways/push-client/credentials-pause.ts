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

/** Credentials, and the app that they were used for, where devices name it ('' elsewhere): what strangers say holds up nobody else. */
export interface UsedCredentials {
  readonly instanceId: string;
  readonly credentials: object;
  readonly app: string;
}

/**
 * A service that has refused credentials for an app is not asked so again for a while: deliveries wait in the store
 * meanwhile, and the operator is told. Credentials that are set anew are another object, and start afresh.
 */
export interface CredentialsPause {
  /** What becomes of deliveries now; null: they are to be tried. */
  outcome(used: UsedCredentials): DeliveryOutcome | null;
  /** The service refuses them. */
  refused(used: UsedCredentials, reason: string): DeliveryOutcome;
  /** The service has taken them. */
  accepted(used: UsedCredentials): void;
}

interface Pause {
  readonly reason: string;
  readonly until: number;
}

/** Paused at a time; further ones are asked for each time. */
const maxApps = 1_000;
/** Of them, the log names the first ones: strangers make up as many as they like. */
const maxNamed = 10;

export function createCredentialsPause({
  platform,
  clock,
  log,
  pauseMs = 60_000,
}: CredentialsPauseDeps): CredentialsPause {
  const paused = new WeakMap<object, Map<string, Pause>>();
  const isLive = ({ until }: Pause): boolean => until > clock();
  const pauseOf = ({ credentials, app }: UsedCredentials) => paused.get(credentials)?.get(app);
  const unauthorized = (reason: string, retryAfterMs: number): DeliveryOutcome => ({
    kind: 'unauthorized',
    reason,
    retryAfterMs,
  });
  return {
    outcome(used) {
      const pause = pauseOf(used);
      const restMs = pause ? pause.until - clock() : 0;
      return pause && restMs > 0 ? unauthorized(pause.reason, restMs) : null;
    },
    refused(used, reason) {
      const { instanceId, credentials, app } = used;
      const known = pauseOf(used);
      // Requests in flight together are refused together: one line tells of them.
      if (known && isLive(known)) return unauthorized(reason, pauseMs);
      const live = [...(paused.get(credentials) ?? [])].filter(([, pause]) => isLive(pause));
      if (live.length < maxNamed) {
        log.error('platform.paused', {
          instanceId,
          platform,
          ...(app !== '' && { app }),
          reason,
          pauseMs,
          mend: `pharos credentials set-${platform} ${instanceId} …`,
        });
      }
      if (live.length < maxApps) {
        paused.set(credentials, new Map([...live, [app, { reason, until: clock() + pauseMs }]]));
      }
      return unauthorized(reason, pauseMs);
    },
    accepted({ instanceId, credentials, app }) {
      if (!paused.get(credentials)?.delete(app)) return;
      log.info('platform.resumed', { instanceId, platform, ...(app !== '' && { app }) });
    },
  };
}
