import { runOne } from '../ports/command.ts';
import type { DeviceCommands } from '../ports/device-store.ts';
import type { Log } from '../ports/log.ts';

export interface EraseUserDeps {
  readonly store: Pick<DeviceCommands, 'eraseUsers'>;
  readonly log: Log;
  /** The name is gone from the store. */
  readonly onErased: (instanceId: string, user: string) => void;
}

/**
 * Erases a user's name, devices and pending messages, and resolves once that is durable. Whatever is rendered later leaves
 * the user out. Rejects with `StoreUnavailable` when it could not be committed.
 */
export async function eraseUser(deps: EraseUserDeps, instanceId: string, user: string): Promise<void> {
  const { devices, messages } = await runOne(deps.store.eraseUsers, { instanceId, user });
  deps.onErased(instanceId, user);
  deps.log.info('user.erased', { instanceId, devices, messages });
}
