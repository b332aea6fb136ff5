import type { Platform } from '../../protocol/ids.ts';
import type { Command } from './command.ts';
import type { Sealed } from './instance-store.ts';

/** What a push service gave an instance, one per platform of phones. */
export interface CredentialsRecord {
  readonly instanceId: string;
  readonly platform: Exclude<Platform, 'web'>;
  /** Sealed JSON of `FcmCredentials` or `ApnsCredentials`. */
  readonly credentials: Sealed;
  /** SHA-256 of what is secret in them, as lower-case hex: tells whether two are the same. */
  readonly fingerprint: string;
  readonly setAt: number;
  /** Null: they do not expire by themselves. */
  readonly expiresAt: number | null;
}

/** All but what is secret. */
export type CredentialsView = Omit<CredentialsRecord, 'credentials'>;

export interface CredentialsCommands {
  /** In the place of those that were there. */
  readonly saveCredentials: Command<CredentialsRecord, 'saved' | 'unknown-instance'>;
  readonly deleteCredentials: Command<
    Pick<CredentialsRecord, 'instanceId' | 'platform'>,
    'deleted' | 'unknown-credentials'
  >;
  /**
   * Credentials that expire before a time and of which nobody was told: for each a `v1.CredentialsExpiring` of its instance is
   * written. Those that expire first come first; fewer than `limit`: there are no more.
   */
  readonly announceExpiring: Command<{ readonly before: number; readonly limit: number }, readonly CredentialsView[]>;
}

export interface CredentialsQueries {
  findCredentials(key: Pick<CredentialsRecord, 'instanceId' | 'platform'>): Promise<CredentialsRecord | null>;
  /** Of all instances, those that expire within a time; in that order. */
  listExpiringCredentials(query: {
    readonly since: number;
    readonly before: number;
    readonly limit: number;
  }): Promise<readonly CredentialsView[]>;
}
