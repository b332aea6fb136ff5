import type { Clock } from '../ports/clock.ts';
import type { CredentialsQueries } from '../ports/credentials-store.ts';
import type { Log } from '../ports/log.ts';

export interface ExpiryWatchDeps {
  readonly store: Pick<CredentialsQueries, 'listExpiringCredentials'>;
  readonly clock: Clock;
  readonly log: Log;
}

const dayMs = 86_400_000;
const warnAheadMs = 30 * dayMs;
/** Of those that expire first. */
const maxWarnings = 100;

/** Tells the operator of credentials that expire within 30 days, or have: at the start and then once a day. */
export class ExpiryWatch {
  readonly #deps: ExpiryWatchDeps;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(deps: ExpiryWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#look();
    this.#timer = setInterval(() => this.#look(), dayMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #look(): void {
    this.#looking = this.#warn().catch((error: unknown) => this.#deps.log.error('credentials.watch-failed', { error }));
  }

  async #warn(): Promise<void> {
    const { store, clock, log } = this.#deps;
    const now = clock();
    const found = await store.listExpiringCredentials({ before: now + warnAheadMs, limit: maxWarnings });
    for (const { instanceId, platform, fingerprint, expiresAt } of found) {
      const event = (expiresAt ?? 0) <= now ? 'credentials.expired' : 'credentials.expire-soon';
      const at = new Date(expiresAt ?? 0).toISOString();
      log.warn(event, { instanceId, platform, fingerprint, at, mend: `pharos credentials set-${platform} …` });
    }
  }
}
