import pg from 'pg';
import type { Hint } from '../../core/ports/cluster.ts';
import type { Database } from './database.ts';

export interface HintChannelOptions {
  readonly database: Database;
  /** Address of the database itself: a pooler in transaction mode passes no notifications on. */
  readonly listenUrl: string;
  /** Of this node: what it says is not for itself. */
  readonly nodeId: string;
  readonly onHint: (hint: Hint) => void;
  /** Hints may have been lost. */
  readonly onGap: () => void;
}

const channel = 'pharos';
/** Hints of so long travel together: each notification is a commit, and wakes all nodes. */
const gatherMs = 20;
/** A notification's text has fewer than 8,000 bytes (https://www.postgresql.org/docs/current/sql-notify.html). */
const maxHints = 40;
const connectAgainMs = 1_000;
/** A connection that only listens is silent by nature: asked now and then, so that one that is dead shows. */
const checkEveryMs = 5_000;
const checkTimeoutMs = 5_000;

interface Notification {
  readonly from: string;
  readonly hints: readonly Hint[];
}

/** Tells other nodes, and hears them, through `NOTIFY` and `LISTEN`; connects again when the connection is lost. */
export class HintChannel {
  readonly #options: HintChannelOptions;
  /** By their text: the same hint again says nothing more. */
  readonly #untold = new Map<string, Hint>();
  #gathering: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #listener: pg.Client | null = null;
  #telling: Promise<void> | null = null;
  #stopped = false;

  constructor(options: HintChannelOptions) {
    this.#options = options;
  }

  /** Settles when the node hears the others, or cannot for now. */
  async start(): Promise<void> {
    await this.#listen();
  }

  tell(hint: Hint): void {
    if (this.#stopped) return;
    this.#untold.set(JSON.stringify(hint), hint);
    this.#gathering ??= setTimeout(() => this.#flush(), gatherMs);
  }

  /** Says what is left to be said. */
  async stop(): Promise<void> {
    this.#flush();
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#telling;
    await this.#listener?.end().catch(() => {});
  }

  #flush(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#telling ??= this.#tellAll().finally(() => (this.#telling = null));
  }

  /** What comes up meanwhile is said together after it: where a notification takes long, hints do not pile up. */
  async #tellAll(): Promise<void> {
    const { database, nodeId } = this.#options;
    while (this.#gathering === undefined && this.#untold.size > 0) {
      const hints = [...this.#untold.values()];
      this.#untold.clear();
      try {
        for (let first = 0; first < hints.length; first += maxHints) {
          const said: Notification = { from: nodeId, hints: hints.slice(first, first + maxHints) };
          await database.sql.run('SELECT pg_notify($1, $2)', [channel, JSON.stringify(said)]);
        }
      } catch {
        // A database that cannot be told has nothing that others would find in it; when it is back, they look.
      }
    }
  }

  async #listen(): Promise<void> {
    if (this.#stopped) return;
    const client = new pg.Client({
      connectionString: this.#options.listenUrl,
      application_name: 'pharos listener',
      connectionTimeoutMillis: checkTimeoutMs,
      query_timeout: checkTimeoutMs,
      keepAlive: true,
    });
    this.#listener = client;
    client.on('error', () => this.#again(client));
    client.on('end', () => this.#again(client));
    client.on('notification', ({ payload = '' }) => this.#hear(payload));
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
      this.#options.onGap();
      this.#timer = setTimeout(() => void this.#check(client), checkEveryMs);
    } catch {
      this.#again(client);
    }
  }

  async #check(client: pg.Client): Promise<void> {
    if (this.#stopped || this.#listener !== client) return;
    try {
      await client.query('SELECT 1');
      this.#options.onGap();
      this.#timer = setTimeout(() => void this.#check(client), checkEveryMs);
    } catch {
      this.#again(client);
    }
  }

  #again(client: pg.Client): void {
    if (this.#stopped || this.#listener !== client) return;
    this.#listener = null;
    clearTimeout(this.#timer);
    client.end().catch(() => {});
    this.#options.onGap();
    this.#timer = setTimeout(() => void this.#listen(), connectAgainMs);
  }

  /** Whoever may connect to the database may notify, and a newer version may say what this one does not know. */
  #hear(payload: string): void {
    const { from, hints } = parseNotification(payload) ?? { from: null, hints: [null] };
    if (from === this.#options.nodeId) return;
    for (const hint of hints) {
      if (isHint(hint)) this.#options.onHint(hint);
      else this.#options.onGap();
    }
  }
}

function parseNotification(payload: string): { readonly from: unknown; readonly hints: readonly unknown[] } | null {
  try {
    const { from, hints } = JSON.parse(payload) as { readonly from?: unknown; readonly hints?: unknown };
    return Array.isArray(hints) ? { from, hints } : null;
  } catch {
    return null; // Not ours.
  }
}

const hasDue: ReadonlySet<unknown> = new Set<(Hint & { readonly kind: 'due' })['queue']>([
  'ranges',
  'messages',
  'replays',
]);

function isHint(value: unknown): value is Hint {
  const { kind, queue, instanceId, webhookId } = (value ?? {}) as Readonly<Record<string, unknown>>;
  switch (kind) {
    case 'due':
      return hasDue.has(queue);
    case 'event':
      return typeof instanceId === 'string';
    case 'changed':
      return typeof instanceId === 'string' && (webhookId === null || typeof webhookId === 'string');
    default:
      return kind === 'push-origins';
  }
}
