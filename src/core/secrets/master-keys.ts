import { setTimeout as delay } from 'node:timers/promises';
import type { SealedCommands, SealedQueries, SealedValue } from '../ports/sealed-store.ts';
import type { Log } from '../ports/log.ts';
import type { Store } from '../ports/store.ts';
import type { Keyring } from './keyring.ts';
import { formatKeyring, generateMasterKey } from './keyring.ts';
import type { KeyringSealer } from './sealer.ts';

export interface MasterKeysDeps {
  /** As read at the start. */
  readonly keyring: Keyring;
  /** Replaces the keyring file; once it returns, the text outlives a power failure. */
  readonly writeKeyring: (text: string) => void;
  readonly sealer: KeyringSealer;
  readonly store: SealedCommands & SealedQueries & Pick<Store, 'check'>;
  readonly log: Log;
}

export interface MasterKeysStatus {
  /** Ids of the keys in the file; the first one seals. */
  readonly keys: readonly string[];
  /** Ids of keys that something waits for and the file lacks, as far as it was noticed since the start. */
  readonly missing: readonly string[];
  /** Null when everything is sealed with the first key. */
  readonly resealing: {
    /** Values sealed anew since the server started or the key was made. */
    readonly values: number;
    /** Why it stands still; it goes on by itself. */
    readonly problem: string | null;
  } | null;
}

const retryAfterProblemMs = 10_000;

/**
 * The master keys of a running server. A new one seals at once; what the ones before have sealed is sealed anew in the
 * background, and only when nothing of theirs is left are they taken out of the file. So whenever the process dies, the
 * file holds every key that is needed, and the next start goes on: more than one key in the file means there is work.
 */
export class MasterKeys {
  readonly #deps: MasterKeysDeps;
  readonly #stopping = new AbortController();
  #keyring: Keyring;
  #values = 0;
  #problem: string | null = null;
  #work: Promise<void> | null = null;

  constructor(deps: MasterKeysDeps) {
    this.#deps = deps;
    this.#keyring = deps.keyring;
  }

  start(): void {
    if (this.#keyring.length > 1) this.#work ??= this.#resealAll();
  }

  /** Settles after the step in hand. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  status(): MasterKeysStatus {
    const keys = this.#keyring.map(({ id }) => id);
    const missing = this.#deps.sealer.missing();
    return { keys, missing, resealing: keys.length > 1 ? { values: this.#values, problem: this.#problem } : null };
  }

  /** Makes a new key that seals from now on. `under-way`: the change before is not finished. */
  rotate(): 'rotating' | 'under-way' {
    if (this.#keyring.length > 1) return 'under-way';
    const key = generateMasterKey();
    const keyring: Keyring = [key, ...this.#keyring];
    // In the file before anything is sealed with it.
    this.#deps.writeKeyring(formatKeyring(keyring));
    this.#keyring = keyring;
    this.#deps.sealer.sealWith(key);
    this.#values = 0;
    this.#deps.log.info('master-key.rotating', { keys: this.status().keys });
    this.start();
    return 'rotating';
  }

  async #resealAll(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        // What was sealed before the change may still wait to be written; the store keeps the order.
        await this.#deps.store.check();
        while ((await this.#pass()) > 0);
        if (!this.#stopping.signal.aborted) this.#retire();
        break;
      } catch (error) {
        this.#problem = (error as Error).message;
        this.#deps.log.error('master-key.reseal-failed', { error });
        await this.#pause(retryAfterProblemMs);
      }
    }
    this.#work = null;
  }

  /** Reads everything once and seals anew what another key has sealed; answers how many values those were. */
  async #pass(): Promise<number> {
    const { store, sealer } = this.#deps;
    let found = 0;
    let cursor: string | null = null;
    do {
      const startedAt = performance.now();
      const { values, next } = await store.listSealed({ notBeginningWith: sealer.header(), cursor });
      if (values.length > 0) await this.#reseal(values);
      found += values.length;
      cursor = next;
      // Half of the time belongs to others.
      await this.#pause(performance.now() - startedAt);
    } while (cursor !== null && !this.#stopping.signal.aborted);
    return this.#stopping.signal.aborted ? 0 : found;
  }

  async #reseal(values: readonly SealedValue[]): Promise<void> {
    const { store, sealer } = this.#deps;
    const results = await store.reseal(
      values.map((value) => ({ ...value, resealed: sealer.seal(value.place, sealer.open(value.place, value.sealed)) })),
    );
    for (const result of results) {
      if (!result.ok) throw result.error;
      if (result.value === 'resealed') this.#values += 1;
    }
    this.#problem = null;
  }

  #retire(): void {
    const [first, ...retired] = this.#keyring;
    this.#deps.writeKeyring(formatKeyring([first]));
    this.#keyring = [first];
    this.#deps.log.info('master-key.rotated', { key: first.id, retired: retired.map(({ id }) => id) });
  }

  /** Ends early when it has to stop. */
  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => null);
  }
}
