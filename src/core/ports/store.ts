import type { CredentialsCommands, CredentialsQueries } from './credentials-store.ts';
import type { DeviceCommands, DeviceQueries } from './device-store.ts';
import type { FeedQueries } from './feed-store.ts';
import type { InstanceCommands, InstanceQueries } from './instance-store.ts';
import type { MessageCommands, MessageQueries } from './message-store.ts';
import type { PublishCommands, PublishQueries } from './publish-store.ts';
import type { PushOriginCommands, PushOriginQueries } from './push-origin-store.ts';
import type { QueueQueries } from './queue-store.ts';
import type { ReplayCommands, ReplayQueries } from './replay-store.ts';
import type { ReportCommands, ReportQueries } from './report-store.ts';
import type { RetentionCommands } from './retention-store.ts';
import type { SealedCommands, SealedQueries } from './sealed-store.ts';

export type StoreCommands = InstanceCommands &
  CredentialsCommands &
  DeviceCommands &
  PublishCommands &
  PushOriginCommands &
  ReplayCommands &
  ReportCommands &
  MessageCommands &
  RetentionCommands &
  SealedCommands;
export type StoreQueries = InstanceQueries &
  CredentialsQueries &
  DeviceQueries &
  PublishQueries &
  PushOriginQueries &
  QueueQueries &
  ReplayQueries &
  ReportQueries &
  FeedQueries &
  MessageQueries &
  SealedQueries;

/** Everything Pharos remembers. Callers ask for the narrow part that they use. */
export interface Store extends StoreCommands, StoreQueries {
  /** Rejects with `StoreUnavailable` when a write would fail now. */
  check(): Promise<void>;
  /**
   * Milliseconds until the next range, delivery or replay falls due, or a target of messages has its turn (0: now; null:
   * nothing waits).
   */
  nextDue(): Promise<{
    readonly ranges: number | null;
    readonly deliveries: number | null;
    readonly messages: number | null;
    readonly replays: number | null;
  }>;
  close(): Promise<void>;
}
