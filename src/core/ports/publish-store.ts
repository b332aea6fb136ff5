import type { BrowserFamily } from '../../protocol/browser-family.ts';
import type { Platform } from '../../protocol/ids.ts';
import type { Command } from './command.ts';
import type { GatewayDevice } from './gateway.ts';
import type { Sealed } from './instance-store.ts';
import type { PublishBody } from './publish-body.ts';
import type { SealedPlace } from './sealer.ts';

export type PublishTarget =
  | { readonly kind: 'interests'; readonly interests: readonly string[] }
  /** Devices that belong to these users; a claimed alias is not enough. */
  | { readonly kind: 'users'; readonly users: readonly string[] }
  /** Devices by id, and devices that claim one of these aliases or belong to the user of that name. */
  | {
      readonly kind: 'devices';
      readonly deviceIds: readonly string[];
      readonly aliases: readonly string[];
      readonly families?: readonly BrowserFamily[];
    }
  | { readonly kind: 'everyone'; readonly families?: readonly BrowserFamily[] }
  | { readonly kind: 'tags'; readonly filter: TagFilter; readonly families?: readonly BrowserFamily[] };

/** One condition on a device's tags. `>` and `<` compare numbers; `!=` is met by devices without the tag too. */
export type TagCondition =
  | { readonly key: string; readonly relation: '=' | '!=' | '>' | '<'; readonly value: string }
  | { readonly key: string; readonly relation: 'exists' | 'not_exists' };

/** Met when all conditions of one of the groups are; neither is empty. */
export type TagFilter = readonly (readonly TagCondition[])[];

/** What an audience is read by: the target as the store keeps it, without names of users. */
export type Audience = { readonly families?: readonly BrowserFamily[] } & (
  | { readonly kind: 'interests'; readonly interests: readonly string[] }
  | { readonly kind: 'users' | 'everyone' }
  | {
      readonly kind: 'devices';
      readonly deviceNumbers: readonly number[];
      /** Numbers of names in the table of users. */
      readonly aliasNumbers: readonly number[];
    }
  | { readonly kind: 'tags'; readonly filter: TagFilter }
);

export interface AcceptPublish {
  readonly instanceId: string;
  /** UUID v7. */
  readonly publishId: string;
  readonly target: PublishTarget;
  /** Platforms that the publish has content for; devices on others are not part of the audience. */
  readonly platforms: readonly Platform[];
  /** The store seals it, as JSON, for its `publishBodyPlace`. */
  readonly body: PublishBody;
  /** Of its `webhookUrl`: the STARTED message is written with the publish. Null: it has none. */
  readonly urlTarget: string | null;
  /** Not sent before (milliseconds since 1970); who is reached is seen then. Left out: at once. */
  readonly sendAfter?: number;
  /** A request with a key that was used in the last 30 days gets the answer of then, and does nothing. */
  readonly idempotencyKey?: string;
}

export interface AcceptAnswer {
  /** Null: nobody can be reached, and nothing was stored. Never for a publish to interests or users. */
  readonly publishId: string | null;
  /** Of a publish to devices: what reaches nobody. */
  readonly unreached: { readonly deviceIds: readonly string[]; readonly aliases: readonly string[] };
  /** The answer is that of an earlier request with the same key. */
  readonly replayed: boolean;
  /** Of a publish to interests or users that no device has: it has no range, and its closing messages are written. */
  readonly finished: boolean;
}

/** A place in an audience: by device number (`user` is 0); users: by user number, then device number. */
export interface AudienceCursor {
  readonly user: number;
  readonly device: number;
}

export interface PublishKey {
  readonly instanceId: string;
  /** UUID v7. */
  readonly publishId: string;
}

/** Where its body is stored. */
export const publishBodyPlace = ({ instanceId, publishId }: PublishKey): SealedPlace => ({
  instanceId,
  rowId: publishId,
  column: 'publishes.body',
});

export interface RangeKey extends PublishKey {
  readonly rangeNumber: number;
}

/** A leased part of a publish's audience. */
export interface ClaimedRange extends RangeKey {
  readonly claimToken: string;
  readonly audience: Audience;
  readonly platforms: readonly Platform[];
  readonly body: Sealed;
  /** Everything up to and including this place is recorded. */
  readonly cursor: AudienceCursor;
  /** Last place of the range. */
  readonly end: AudienceCursor;
}

export interface AudienceDevice extends GatewayDevice {
  readonly deviceNumber: number;
  /** Null for a device of nobody. */
  readonly userNumber: number | null;
  /** Its SDK reports that a push has arrived. */
  readonly tracksDelivery: boolean;
}

export interface AudiencePage {
  /** In cursor order, each device once. */
  readonly devices: readonly AudienceDevice[];
  /** Where the next page starts; null when the range ends with this page. */
  readonly next: AudienceCursor | null;
}

/** An outcome that is final for this device and publish. `unauthorized`: the platform could not be used at all. */
export type FinalOutcome = 'accepted' | 'gone' | 'rejected' | 'failed' | 'unauthorized';

export interface DeliveryRecord {
  readonly deviceNumber: number;
  readonly platform: Platform;
  readonly userNumber: number | null;
  /** What the device was reached at: `gone` tombstones it only while this is still its address. */
  readonly address: string;
  readonly outcome:
    | { readonly kind: Exclude<FinalOutcome, 'accepted' | 'gone'> }
    /** `tracked`: the device reports that a push has arrived. */
    | { readonly kind: 'accepted'; readonly tracked?: true }
    /** `keepDevice`: counted as gone, but not removed. */
    | { readonly kind: 'gone'; readonly keepDevice?: true }
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

/** `finished`: with this, or before, the last delivery of the publish was settled, and its closing events were written. */
export type Recorded =
  /** `canceled`: nothing more of the range is to be sent; what is on its way is still recorded. */
  { readonly kind: 'recorded'; readonly finished: boolean; readonly canceled?: true } | { readonly kind: 'stale' };

export interface ClaimRanges {
  readonly limit: number;
  readonly leaseMs: number;
  /** UUIDs of publishes of which no range is wanted. */
  readonly except?: readonly string[];
}

export interface PublishCommands {
  /**
   * Publish, users, one range over today's devices, if there are any, and (with a webhook) its STARTED message. Two equal
   * keys at once give one publish. The store may divide a range that was given back.
   */
  readonly acceptPublishes: Command<AcceptPublish, AcceptAnswer>;
  /** Nothing more is sent. What is on its way is recorded, then the publish is finished. */
  readonly cancelPublishes: Command<PublishKey, 'canceled' | 'finished' | 'unknown-publish'>;
  /** Due ranges. Instances take turns, and the publishes of each, longest waiting first. One item per claim. */
  readonly claimRanges: Command<ClaimRanges, readonly ClaimedRange[]>;
  /**
   * `stale`: the claim token is not the range's any more; nothing was written. A last page of a range that is over is
   * `recorded`: it was, and the answer got lost.
   */
  readonly recordPages: Command<RecordPage, Recorded>;
  readonly claimDeliveries: Command<{ readonly limit: number; readonly leaseMs: number }, readonly ClaimedDelivery[]>;
  /** As with pages: `recorded` for one that is not deferred any more. */
  readonly completeDeliveries: Command<
    PublishKey & { readonly claimToken: string; readonly delivery: DeliveryRecord },
    Recorded
  >;
}

/** Counts of final outcomes of one platform. */
export type OutcomeCounts = Readonly<Record<FinalOutcome, number>>;

/**
 * Devices of one platform, each counted once (docs/decisions/0030). `triggered`: will report that it has arrived;
 * `acknowledged`: have; `openable`: could be opened there; `opened`: was.
 */
export type Insights = Readonly<Record<'triggered' | 'acknowledged' | 'openable' | 'opened', number>>;

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
  readonly insights: Partial<Record<Platform, Insights>>;
  readonly users: PublishUsers;
  readonly body: Sealed;
}

/** What one family of browsers made of a publish: final outcomes, and devices that confirmed it or clicked. */
export type FamilyCounts = Omit<OutcomeCounts, 'unauthorized'> & {
  readonly confirmed: number;
  readonly clicked: number;
};

/** A publish for its sender. */
export interface PublishView extends PublishKey {
  readonly acceptedAt: number;
  readonly sendAfter: number | null;
  readonly finishedAt: number | null;
  readonly canceledAt: number | null;
  readonly body: Sealed;
  readonly families: Partial<Record<BrowserFamily, FamilyCounts>>;
  /** Devices that have no outcome yet, counted up to the limit of the query. */
  readonly remaining: number;
}

export interface PublishQueries {
  viewPublish(key: PublishKey & { readonly countRemainingUpTo: number }): Promise<PublishView | null>;
  /** Newest first. `total` and `offset` end at 100,000. */
  listPublishes(query: {
    readonly instanceId: string;
    readonly limit: number;
    readonly offset: number;
    readonly countRemainingUpTo: number;
  }): Promise<{ readonly total: number; readonly publishes: readonly PublishView[] }>;
  /** Up to `limit` devices of the range after `cursor`; may hold fewer, even none, and still have a `next`. */
  readAudiencePage(range: Omit<ClaimedRange, 'body'>, cursor: AudienceCursor, limit: number): Promise<AudiencePage>;
  summarizePublish(key: PublishKey): Promise<PublishSummary | null>;
}
