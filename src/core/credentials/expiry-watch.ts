import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import { runOne } from '../ports/command.ts';
import type { CredentialsCommands, CredentialsQueries } from '../ports/credentials-store.ts';
import type { Log } from '../ports/log.ts';

export interface ExpiryWatchDeps {
  readonly store: Pick<CredentialsCommands, 'announceExpiring'> & Pick<CredentialsQueries, 'listExpiringCredentials'>;
  readonly cluster: Pick<Cluster, 'leads'>;
  readonly clock: Clock;
  readonly log: Log;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const warnMs = 30 * dayMs;
const announcedAtATime = 100;
/** Lines a day: of those that expire first. */
const maxWarnings = 100;

/**
 * Tells of credentials that expire within 30 days: webhooks once, the operator's log every day, until 30 days after. Looks at
 * the start and every hour.
 */
export class ExpiryWatch {
  readonly #deps: ExpiryWatchDeps;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #warnedAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(deps: ExpiryWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#look();
    this.#timer = setInterval(() => this.#look(), hourMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#looking;
  }

  #look(): void {
    // One after the other; what fails is done an hour later.
    this.#looking = this.#looking
      .then(() => this.#tell())
      .catch((error: unknown) => this.#deps.log.error('credentials.watch-failed', { error }));
  }

  async #tell(): Promise<void> {
    if (!(await this.#deps.cluster.leads('expiry-watch'))) return;
    await this.#announce();
    await this.#warn();
  }

  async #announce(): Promise<void> {
    const { store, clock } = this.#deps;
    const batch = { before: clock() + warnMs, limit: announcedAtATime };
    for (let more = true; more && !this.#stopped;) {
      more = (await runOne(store.announceExpiring, batch)).length === announcedAtATime;
    }
  }

  async #warn(): Promise<void> {
    const { store, clock, log } = this.#deps;
    const now = clock();
    if (this.#stopped || now - this.#warnedAt < dayMs) return;
    const near = { since: now - warnMs, before: now + warnMs, limit: maxWarnings };
    for (const { instanceId, platform, fingerprint, expiresAt } of await store.listExpiringCredentials(near)) {
      const event = (expiresAt ?? 0) <= now ? 'credentials.expired' : 'credentials.expire-soon';
      const at = new Date(expiresAt ?? 0).toISOString();
      log.warn(event, { instanceId, platform, fingerprint, at, mend: `pharos credentials set-${platform} …` });
    }
    this.#warnedAt = now;
  }
}
