import type { Role } from '../../protocol/roles.ts';
import type { Clock } from './clock.ts';

/** What a node tells the others. It may get lost, so everything that depends on it also finds out by itself, only later. */
export type Hint =
  /** Something may have fallen due. */
  | { readonly kind: 'due'; readonly queue: 'ranges' | 'messages' | 'replays' }
  /** An event of the instance was committed. */
  | { readonly kind: 'event'; readonly instanceId: string }
  /** One of the instance's webhooks was changed; null: the instance itself or its credentials. */
  | { readonly kind: 'changed'; readonly instanceId: string; readonly webhookId: string | null }
  /** A push service is believed less, or again. */
  | { readonly kind: 'push-origins' };

/** Something that one node does for all. */
export type SharedTask = 'first-instance' | 'retention' | 'expiry-watch' | 'master-keys';

/** The nodes that work on the same database. */
export interface Cluster {
  /** No other node can work on this database. */
  readonly alone: boolean;
  /** The time that all nodes agree on: the database's where this machine's clock is another one. */
  readonly now: Clock;
  /** Tells the other nodes, soon and together with other hints. */
  tell(hint: Hint): void;
  /** `anything`: hints may have been lost. Called every few seconds in any case. */
  onHint(listener: (hint: Hint | { readonly kind: 'anything' }) => void): void;
  /** Whether this node does the task for the next minute: at most one does. Rejects with `StoreUnavailable`. */
  leads(task: SharedTask): Promise<boolean>;
  /** Whether all nodes that are there know the master key, or seal with it. Rejects with `StoreUnavailable`. */
  everyNode(does: 'knows' | 'seals-with', masterKeyId: string): Promise<boolean>;
  /** How many nodes have the role now, this one counted if it does; 1 at least. */
  nodesWith(role: Role): number;
}

/** Of a process that has its database for itself. */
export const aloneCluster: Cluster = {
  alone: true,
  now: Date.now,
  tell: () => {},
  onHint: () => {},
  leads: async () => true,
  everyNode: async () => true,
  nodesWith: () => 1,
};
