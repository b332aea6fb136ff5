import type { Cluster } from '../ports/cluster.ts';
import type { SealedCommands, SealedQueries, SealedValue } from '../ports/sealed-store.ts';
import type { Log } from '../ports/log.ts';
import type { Store } from '../ports/store.ts';
import type { Keyring } from '../../sealing/keyring.ts';
import { formatKeyring, generateMasterKey, parseKeyring } from '../../sealing/keyring.ts';
import type { KeyringSealer } from '../../sealing/sealer.ts';

export interface MasterKeysDeps {
  /** As read at the start. */
  readonly keyring: Keyring;
  /** Text of the keyring file as it is now. Throws when it cannot be read. */
  readonly readKeyring: () => string;
  /** Replaces the keyring file; once it returns, the text outlives a power failure. */
  readonly writeKeyring: (text: string) => void;
  readonly sealer: KeyringSealer;
  readonly store: SealedCommands & SealedQueries & Pick<Store, 'check'>;
  readonly cluster: Pick<Cluster, 'alone' | 'leads' | 'everyNode'>;
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
/** Between two looks at a file that another node may have changed. */
const lookAgainMs = 3_000;
/** What another node had sealed before it changed is committed by then, or never. */
const othersCommitWithinMs = 15_000;

/**
 * The master keys of a running server. A new one seals at once, or where there are other nodes as soon as all of them have
 * it; what the ones before have sealed is sealed anew in the background, and only when nothing of theirs is left are they
 * taken out of the file. So whenever the process dies, the file holds every key that is needed, and the next start goes
 * on: more than one key in the file means there is work. Of several nodes one does it.
 */
export class MasterKeys {
  readonly #deps: MasterKeysDeps;
  readonly #stopping = new AbortController();
  #keyring: Keyring;
  #values = 0;
  #problem: string | null = null;
  #work: Promise<void> | null = null;
  #watching: NodeJS.Timeout | undefined;

  constructor(deps: MasterKeysDeps) {
    this.#deps = deps;
    this.#keyring = deps.keyring;
  }

  start(): void {
    if (!this.#deps.cluster.alone) this.#watching ??= setInterval(() => this.#look(), lookAgainMs).unref();
    if (this.#keyring.length > 1) this.#work ??= this.#finishRotation();
  }

  /** Settles after the step in hand. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#watching);
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
    const [first] = this.#keyring;
    this.#write(this.#deps.cluster.alone ? [key, first] : [first, { ...key, upcoming: true }]);
    this.#values = 0;
    this.#deps.log.info('master-key.rotating', { keyIds: this.status().keys });
    this.start();
    return 'rotating';
  }

  /** In the file before anything is sealed with it. */
  #write(keyring: Keyring): void {
    this.#deps.writeKeyring(formatKeyring(keyring));
    this.#use(keyring);
  }

  #use(keyring: Keyring): void {
    this.#keyring = keyring;
    this.#deps.sealer.use(keyring);
  }

  /** Another node may have made a key, or ended its rotation. */
  #look(): void {
    try {
      const keyring = parseKeyring(this.#deps.readKeyring());
      if (formatKeyring(keyring) === formatKeyring(this.#keyring)) return;
      this.#use(keyring);
      this.#deps.log.info('master-key.changed', { keyIds: this.status().keys });
      this.start();
    } catch (error) {
      this.#deps.log.error('master-key.unreadable', { error });
    }
  }

  async #finishRotation(): Promise<void> {
    while (!this.#stopping.signal.aborted && this.#keyring.length > 1) {
      try {
        if (await this.#takeStep()) continue;
        await this.#pause(lookAgainMs);
      } catch (error) {
        this.#problem = (error as Error).message;
        this.#deps.log.error('master-key.reseal-failed', { error });
        await this.#pause(retryAfterProblemMs);
      }
    }
    this.#work = null;
  }

  /** False when there is nothing to do for now. */
  async #takeStep(): Promise<boolean> {
    const { cluster, store } = this.#deps;
    if (!(await cluster.leads('master-keys'))) return false;
    const keyring = this.#keyring;
    const [first] = keyring;
    const upcoming = this.#keyring.find((key) => key.upcoming);
    if (upcoming) {
      if (!(await cluster.everyNode('knows', upcoming.id))) return this.#wait('not every node has the new key yet');
      this.#write([{ id: upcoming.id, key: upcoming.key }, ...this.#keyring.filter((key) => key !== upcoming)]);
      return true;
    }
    if (!(await cluster.everyNode('seals-with', first.id))) return this.#wait('not every node uses the new key yet');
    // What was called before the change may yet be written with the old key; the store keeps the order of one node.
    await store.check();
    if (!cluster.alone) await this.#pause(othersCommitWithinMs);
    while ((await this.#pass()) > 0);
    // A step may outlast the lead: another node may have ended this rotation, and somebody begun the next one.
    this.#look();
    if (this.#keyring === keyring && !this.#stopping.signal.aborted) this.#retire();
    return true;
  }

  #wait(problem: string): false {
    this.#problem = `${problem}: each reads its keyring file every few seconds`;
    return false;
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
    this.#write([first]);
    this.#deps.log.info('master-key.rotated', { keyId: first.id, retired: retired.map(({ id }) => id) });
  }

  /** Ends early when it has to stop. Not of `timers/promises`: tests' fake timers do not reach those. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    const over = new AbortController();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      const stop = (): void => {
        clearTimeout(timer);
        resolve();
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { signal: over.signal });
    });
    over.abort();
  }
}
