/** What the main thread and an encryption thread say to each other. */
export interface EncryptionJob {
  readonly id: number;
  readonly payload: Uint8Array;
  /** `subscriptionKeyBytes` per message. */
  readonly keys: Uint8Array;
}

export interface EncryptionResult {
  readonly id: number;
  /** `bodyBytes(payload.length)` per message. */
  readonly bodies: Uint8Array;
  /** 1 where the keys were good. */
  readonly valid: Uint8Array;
}
