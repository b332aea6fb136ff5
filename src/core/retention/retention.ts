import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import { dropMessagesOf } from '../instances/delete-webhook.ts';
import { runOne } from '../ports/command.ts';
import type { InstanceCommands, InstanceQueries } from '../ports/instance-store.ts';
import { eachInstance } from '../instances/each-instance.ts';
import type { Log } from '../ports/log.ts';
import type { RetentionCommands } from '../ports/retention-store.ts';

export interface RetentionDeps {
  readonly store: RetentionCommands &
    Pick<InstanceCommands, 'dropMessages'> &
    Pick<InstanceQueries, 'listDeletedWebhooks' | 'listInstances'>;
  readonly cluster: Pick<Cluster, 'leads'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly retentionDays: number;
}

const dayMs = 86_400_000;
/** Few enough that the commits of others hardly wait. */
const rowsAStep = 500;
const everyMs = 60 * 60_000;
const retryAfterErrorMs = 60_000;

/**
 * Deletes what is older than the retention, and drops what deleted webhooks have left, once at the start and then every hour,
 * until stopped. Of several nodes one does.
 */
export class Retention {
  readonly #deps: RetentionDeps;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#work();
  }

  /** Settles after the step in hand. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #work(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        const before = this.#deps.clock() - this.#deps.retentionDays * dayMs;
        await this.#dropDays(before);
        for (const webhook of await this.#deps.store.listDeletedWebhooks()) {
          if (await this.#leads()) await dropMessagesOf(this.#deps.store, webhook, () => this.#stopping.signal.aborted);
        }
        for await (const { id } of eachInstance(this.#deps.store)) {
          if (await this.#leads()) await this.#deleteAll(id, before);
        }
        await this.#pause(everyMs);
      } catch (error) {
        this.#deps.log.error('retention.failed', { error });
        await this.#pause(retryAfterErrorMs);
      }
    }
  }

  /** Where the store can; what it leaves of those days is little. */
  async #dropDays(before: number): Promise<void> {
    let more = true;
    while (more && !this.#stopping.signal.aborted && (await this.#leads())) {
      ({ more } = await runOne(this.#deps.store.dropExpiredDays, { before }));
    }
  }

  #leads(): Promise<boolean> {
    return this.#deps.cluster.leads('retention');
  }

  async #deleteAll(instanceId: string, before: number): Promise<void> {
    const { store, log } = this.#deps;
    let rows = 0;
    for (let more = true; more && !this.#stopping.signal.aborted;) {
      const startedAt = performance.now();
      const step = await runOne(store.deleteExpired, { instanceId, before, maxRows: rowsAStep });
      rows += step.deleted;
      more = step.more;
      // Half of the time belongs to others.
      if (more) await this.#pause(performance.now() - startedAt);
    }
    if (rows > 0) log.info('retention.deleted', { instanceId, rows, before: new Date(before).toISOString() });
  }

  /** Ends early when it has to stop. */
  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => null);
  }
}
