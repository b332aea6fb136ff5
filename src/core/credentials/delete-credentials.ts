import { runOne } from '../ports/command.ts';
import type { CredentialsCommands, CredentialsRecord } from '../ports/credentials-store.ts';
import type { Log } from '../ports/log.ts';

export interface DeleteCredentialsDeps {
  readonly store: Pick<CredentialsCommands, 'deleteCredentials'>;
  readonly log: Log;
  /** What was remembered of the instance's credentials is out of date. */
  readonly forgetCredentials: (instanceId: string) => void;
}

/** What is published to the platform from then on reaches none of its devices. Rejects with `StoreUnavailable`. */
export async function deleteCredentials(
  { store, log, forgetCredentials }: DeleteCredentialsDeps,
  key: Pick<CredentialsRecord, 'instanceId' | 'platform'>,
): Promise<'deleted' | 'unknown-credentials'> {
  const result = await runOne(store.deleteCredentials, key);
  forgetCredentials(key.instanceId);
  if (result === 'deleted') log.info('credentials.deleted', { ...key });
  return result;
}
