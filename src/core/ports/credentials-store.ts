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

export interface CredentialsCommands {
  /** In the place of those that were there. */
  readonly saveCredentials: Command<CredentialsRecord, 'saved' | 'unknown-instance'>;
  readonly deleteCredentials: Command<
    Pick<CredentialsRecord, 'instanceId' | 'platform'>,
    'deleted' | 'unknown-credentials'
  >;
}

export interface CredentialsQueries {
  findCredentials(key: Pick<CredentialsRecord, 'instanceId' | 'platform'>): Promise<CredentialsRecord | null>;
  /** Of all instances, those that expire first; in that order. */
  listExpiringCredentials(query: {
    readonly before: number;
    readonly limit: number;
  }): Promise<readonly Omit<CredentialsRecord, 'credentials'>[]>;
}
