import { createHash } from 'node:crypto';
import type { InvalidField } from '../instances/invalid-field.ts';
import { sealCredentials } from '../instances/sealed-records.ts';
import type { Clock } from '../ports/clock.ts';
import { runOne } from '../ports/command.ts';
import type { CredentialsCommands, CredentialsRecord, CredentialsView } from '../ports/credentials-store.ts';
import type { ApnsCredentials, FcmCredentials, Gateways } from '../ports/gateway.ts';
import type { Log } from '../ports/log.ts';
import type { Sealer } from '../ports/sealer.ts';
import { type ApnsInput, readApnsCredentials } from './apns-credentials.ts';
import { readServiceAccount, type ServiceAccountFile } from './fcm-credentials.ts';

export interface SetCredentialsDeps {
  readonly store: Pick<CredentialsCommands, 'saveCredentials'>;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Log;
  readonly gateways: {
    readonly [Platform in 'fcm' | 'apns']: Pick<Gateways[Platform], 'check'>;
  };
  /** What was remembered of the instance's credentials is out of date. */
  readonly forgetCredentials: (instanceId: string) => void;
}

export type SetCredentials =
  | { readonly kind: 'set'; readonly view: CredentialsView }
  | { readonly kind: 'unknown-instance' }
  /** The service does not take them; nothing was changed. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The service could not be asked; nothing was changed. */
  | { readonly kind: 'unchecked'; readonly reason: string }
  | InvalidField;

/** Whether the service is asked first. Without, mistakes show when something is sent. */
export interface Checking {
  readonly check: boolean;
}

/** Rejects with `StoreUnavailable`. */
export async function setFcmCredentials(
  deps: SetCredentialsDeps,
  instanceId: string,
  file: ServiceAccountFile,
  { check }: Checking,
): Promise<SetCredentials> {
  const credentials = readServiceAccount(file);
  if ('kind' in credentials) return credentials;
  const objection = check ? await objectionOf(deps.gateways.fcm.check(credentials)) : null;
  if (objection) return objection;
  return save(deps, { instanceId, platform: 'fcm', expiresAt: null }, credentials);
}

/** Rejects with `StoreUnavailable`. */
export async function setApnsCredentials(
  deps: SetCredentialsDeps,
  instanceId: string,
  input: ApnsInput,
  { check }: Checking,
): Promise<SetCredentials> {
  const read = readApnsCredentials(input, deps.clock());
  if (read.kind === 'invalid') return read;
  const objection = check ? await objectionOf(deps.gateways.apns.check(read.credentials)) : null;
  if (objection) return objection;
  return save(deps, { instanceId, platform: 'apns', expiresAt: read.expiresAt }, read.credentials);
}

async function objectionOf(
  check: ReturnType<Gateways['fcm']['check']>,
): Promise<Extract<SetCredentials, { readonly reason: string }> | null> {
  const answer = await check;
  if (answer.kind === 'accepted') return null;
  return { kind: answer.kind === 'refused' ? 'refused' : 'unchecked', reason: answer.reason };
}

async function save(
  deps: SetCredentialsDeps,
  record: Pick<CredentialsRecord, 'instanceId' | 'platform' | 'expiresAt'>,
  credentials: FcmCredentials | ApnsCredentials,
): Promise<SetCredentials> {
  const view = { ...record, fingerprint: fingerprintOf(credentials), setAt: deps.clock() };
  const sealed = sealCredentials(deps.sealer, record, credentials);
  const saved = await runOne(deps.store.saveCredentials, { ...view, credentials: sealed });
  if (saved === 'unknown-instance') return { kind: saved };
  deps.forgetCredentials(record.instanceId);
  deps.log.info('credentials.set', { ...view });
  return { kind: 'set', view };
}

/** Of the private key: a key of 2048 bits or an elliptic curve's cannot be guessed from its hash. */
const fingerprintOf = ({ privateKey }: FcmCredentials | ApnsCredentials): string =>
  createHash('sha256').update(privateKey).digest('hex');
