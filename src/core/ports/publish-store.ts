import type { Platform } from '../../protocol/ids.ts';
import type { Command } from './command.ts';
import type { DeviceAddress } from './device-store.ts';
import type { Sealed } from './instance-store.ts';

export type PublishTarget =
  | { readonly kind: 'interests'; readonly interests: readonly string[] }
  | { readonly kind: 'users'; readonly users: readonly string[] };

export interface AcceptPublish {
  readonly instanceId: string;
  /** UUID v7. */
  readonly publishId: string;
  readonly target: PublishTarget;
  /** Platforms that the publish has content for; devices on others are not part of the audience. */
  readonly platforms: readonly Platform[];
  /** Sealed `PublishBody`. */
  readonly body: Sealed;
  /** Writes the STARTED message with the publish. */
  readonly hasWebhook: boolean;
}

/** A place in an audience. Interests: by device number (`user` is 0). Users: by user number, then device number. */
export interface AudienceCursor {
  readonly user: number;
  readonly device: number;
}

export interface PublishKey {
  readonly instanceId: string;
  /** UUID v7. */
  readonly publishId: string;
}

export interface RangeKey extends PublishKey {
  readonly rangeNumber: number;
}

/** A leased part of a publish's audience. */
export interface ClaimedRange extends RangeKey {
  readonly claimToken: string;
  readonly targetKind: PublishTarget['kind'];
  /** Empty for a publish to users. */
  readonly interests: readonly string[];
  readonly platforms: readonly Platform[];
  readonly body: Sealed;
  /** Everything up to and including this place is recorded. */
  readonly cursor: AudienceCursor;
  /** Last place of the range. */
  readonly end: AudienceCursor;
}

export interface AudienceDevice extends DeviceAddress {
  readonly deviceNumber: number;
  /** Null for a device of nobody. */
  readonly userNumber: number | null;
}

export interface AudiencePage {
  /** In cursor order, each device once. */
  readonly devices: readonly AudienceDevice[];
  /** Where the next page starts; null when the range ends with this page. */
  readonly next: AudienceCursor | null;
}

/** An outcome that is final for this device and publish. */
export type FinalOutcome = 'accepted' | 'gone' | 'rejected' | 'failed';

export interface DeliveryRecord {
  readonly deviceNumber: number;
  readonly platform: Platform;
  readonly userNumber: number | null;
  /** What the device was reached at: `gone` tombstones it only while this is still its address. */
  readonly address: string;
  readonly outcome:
    /** `keepDevice`: counted as gone, but not removed. */
    | { readonly kind: FinalOutcome; readonly keepDevice?: true }
    /**
     * Not settled: a row that waits, so that the cursor can move on. With `claimToken`, this process is still waiting
     * for the gateway's answer and holds the row for `retryInMs`.
     */
    | {
        readonly kind: 'deferred';
        readonly retryInMs: number;
        readonly attempts: number;
        readonly claimToken: string | null;
      };
}

export interface RecordPage extends RangeKey {
  readonly claimToken: string;
  /** Where the page began: a page that is recorded again, because the answer was lost, counts once. */
  readonly cursor: AudienceCursor;
  /** At most 200. */
  readonly deliveries: readonly DeliveryRecord[];
  /** New cursor; null when the range is done. */
  readonly next: AudienceCursor | null;
  /** Lease from now on; 0 gives the range back, behind all others that wait. */
  readonly leaseMs: number;
}

export interface ClaimedDelivery extends PublishKey {
  readonly claimToken: string;
  readonly device: AudienceDevice;
  /** The device is a tombstone by now. */
  readonly deviceGone: boolean;
  readonly attempts: number;
  readonly firstAttemptAt: number;
  readonly body: Sealed;
}

/** `finished`: with this the last delivery of the publish was settled, and its closing events were written. */
export type Recorded = { readonly kind: 'recorded'; readonly finished: boolean } | { readonly kind: 'stale' };

export interface PublishCommands {
  /** Publish, users, one range over today's devices and (with a webhook) its STARTED message. */
  readonly acceptPublishes: Command<AcceptPublish, 'accepted'>;
  /** Due ranges. Instances take turns, and the publishes of each, longest waiting first. One item per claim. */
  readonly claimRanges: Command<{ readonly limit: number; readonly leaseMs: number }, readonly ClaimedRange[]>;
  /** `stale`: the claim token is not the range's any more; nothing was written. */
  readonly recordPages: Command<RecordPage, Recorded>;
  readonly claimDeliveries: Command<{ readonly limit: number; readonly leaseMs: number }, readonly ClaimedDelivery[]>;
  readonly completeDeliveries: Command<
    PublishKey & { readonly claimToken: string; readonly delivery: DeliveryRecord },
    Recorded
  >;
}

/** Counts of final outcomes of one platform. */
export type OutcomeCounts = Readonly<Record<FinalOutcome, number>>;

/** Users of a publish, in the order of the request; erased users are left out. */
export interface PublishUsers {
  readonly all: readonly string[];
  readonly delivered: readonly string[];
  readonly noDevices: readonly string[];
  readonly failed: readonly string[];
}

export interface PublishSummary extends PublishKey {
  readonly targetKind: PublishTarget['kind'];
  readonly platforms: readonly Platform[];
  /** Null until every delivery is settled. */
  readonly finishedAt: number | null;
  readonly counts: Partial<Record<Platform, OutcomeCounts>>;
  readonly users: PublishUsers;
  readonly body: Sealed;
}

export interface PublishQueries {
  /** Up to `limit` devices of the range after `cursor`; may hold fewer, even none, and still have a `next`. */
  readAudiencePage(range: ClaimedRange, cursor: AudienceCursor, limit: number): Promise<AudiencePage>;
  summarizePublish(key: PublishKey): Promise<PublishSummary | null>;
}
