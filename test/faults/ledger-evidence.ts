import type { Customer } from './customer.ts';
import type { FaultServer } from './fault-server.ts';

/** What the ledger reads of the server and of the world around it. */
export interface SeenServer {
  readonly pharos: Pick<FaultServer['pharos'], 'admin'>;
  readonly pushService: Pick<FaultServer['pushService'], 'deliveries'>;
  readonly targets: Pick<FaultServer['targets'], 'requests'>;
  readonly restarts: readonly number[];
  /** Of each restart: deliveries by publish that were under way with a row of their own; by default none. */
  readonly held?: readonly ReadonlyMap<string, number>[];
  /** How far a node's time may be from everybody else's; by default not at all. */
  readonly clockErrorMs?: number;
}

/** What the ledger reads of the customer. */
export type SeenCustomer = Pick<Customer, 'instanceId' | 'devices' | 'publishes' | 'reports'>;
