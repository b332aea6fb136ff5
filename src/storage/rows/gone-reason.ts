/** Why a device is gone. */
export type GoneReason = 'removed' | 'replaced' | 'user-erased' | 'gateway';
