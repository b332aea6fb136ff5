import type { Sealed } from './instance-store.ts';

/** Where a sealed value is stored; bound to it, so that a value moved to another instance, column or row does not open. */
export interface SealedPlace {
  readonly instanceId: string;
  /** Of the instance, webhook or publish that it belongs to; of credentials, their platform. */
  readonly rowId: string;
  readonly column:
    | 'instances.secret_key'
    | 'instances.previous_secret_key'
    | 'instances.vapid_private_key'
    | 'webhooks.url'
    | 'webhooks.secret'
    | 'webhooks.previous_secret'
    | 'webhooks.signing_key'
    | 'webhooks.headers'
    | 'gateway_credentials.credentials'
    | 'publishes.body';
}

/** A sealed value does not open: the keyring lacks its key, or it is damaged. Only the operator can mend that. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen';
}

/** Encryption at rest with the operator's master keys. */
export interface Sealer {
  seal(place: SealedPlace, plaintext: Uint8Array | string): Sealed;
  /** Throws `CannotOpen` when the bytes were sealed for another place, with an unknown key, or are damaged. */
  open(place: SealedPlace, sealed: Sealed): Buffer;
}
