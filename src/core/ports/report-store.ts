import type { Platform } from '../../protocol/ids.ts';
import type { Command } from './command.ts';

/** What a device can report. */
export type ReportKind = 'delivery' | 'open';

export interface RecordReport {
  readonly instanceId: string;
  /** UUID v7. */
  readonly publishId: string;
  readonly platform: Platform;
  /** UUID; tombstones count. */
  readonly deviceId: string;
  readonly kind: ReportKind;
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

export interface ReportCommands {
  /**
   * Unique per (publish, device, kind); with the report its event and messages are written. `messages` counts those
   * that became due.
   */
  readonly recordReports: Command<
    RecordReport,
    | { readonly kind: 'recorded'; readonly messages: number }
    | { readonly kind: 'repeat' | 'unknown-device' | 'unknown-publish' }
  >;
}
