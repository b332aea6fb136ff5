/** States of a user of a publish; only ever grow. */
export const userStates = { noDevices: 0, failed: 1, delivered: 2 } as const;
