import type { Platform } from '../../protocol/ids.ts';
import type { Command } from './command.ts';

/** What a device can report. */
export type ReportKind = 'delivery' | 'open' | 'displayed' | 'clicked' | 'dismissed';

export interface RecordReport {
  readonly instanceId: string;
  /** UUID v7. */
  readonly publishId: string;
  readonly platform: Platform;
  /** UUID; tombstones count. */
  readonly deviceId: string;
  readonly kind: ReportKind;
  /** Of a click: the id of the button, or '' (also when left out) for the body. */
  readonly action?: string;
  /** When it happened, by the device's clock. */
  readonly happenedAt: number;
  /**
   * The report may notify user webhooks: web reports always, phones only when the report names the user (older SDKs
   * do not).
   */
  readonly notifiesUserWebhooks: boolean;
  readonly appInBackground: boolean | null;
  readonly hasDisplayableContent: boolean | null;
  readonly hasData: boolean | null;
}

/** Why a report was answered and not stored. */
export type IgnoredReason = 'unknown-device' | 'unknown-publish';

export interface IgnoredReports {
  /** Days (UTC) since 1970-01-01. */
  readonly day: number;
  readonly reason: IgnoredReason;
  readonly count: number;
}

export interface ReportCommands {
  /**
   * Unique per (publish, device, kind, action), at most 8 actions; with the report its event and messages are written. `messages` counts those
   * that became due. The report belongs to the user who had the device when the publish was delivered
   * (docs/decisions/0007). Unknown devices and publishes are counted.
   */
  readonly recordReports: Command<
    RecordReport,
    { readonly kind: 'recorded'; readonly messages: number } | { readonly kind: 'repeat' | IgnoredReason }
  >;
  /** Reports whose ids cannot be any device's or publish's. */
  readonly countIgnoredReports: Command<{ readonly instanceId: string; readonly reason: IgnoredReason }, 'counted'>;
}

export interface ReportQueries {
  /** Newest days first. */
  listIgnoredReports(instanceId: string, days: number): Promise<readonly IgnoredReports[]>;
}
