import { createPrivateKey } from 'node:crypto';
import type { InvalidField } from '../instances/invalid-field.ts';
import { invalid } from '../instances/invalid-field.ts';
import type { FcmCredentials } from '../ports/gateway.ts';

/** A service account's key file, as downloaded from Google (console.firebase.google.com, Service accounts). */
export interface ServiceAccountFile {
  readonly type?: string | undefined;
  readonly project_id?: string | undefined;
  readonly client_email?: string | undefined;
  readonly private_key?: string | undefined;
  readonly private_key_id?: string | undefined;
}

const field = (name: string): string => `serviceAccount.${name}`;

/** What is used of a key file. Its `token_uri` is not: tokens are asked for where Google issues them. */
export function readServiceAccount(file: ServiceAccountFile): FcmCredentials | InvalidField {
  const { type, project_id: projectId, client_email: clientEmail, private_key: privateKey } = file;
  if (type !== 'service_account') return invalid(field('type'), '"service_account": the key file of a service account');
  // IDs of projects (cloud.google.com, Creating and managing projects), also those that begin with a domain.
  if (!projectId || !/^[a-z][a-z0-9:.-]{4,62}$/.test(projectId)) return invalid(field('project_id'), 'a project ID');
  if (!clientEmail || !/^[^@\s]{1,200}@[^@\s]{1,200}$/.test(clientEmail)) {
    return invalid(field('client_email'), 'the e-mail address of the service account');
  }
  if (!privateKey || keyType(privateKey) !== 'rsa')
    return invalid(field('private_key'), 'an RSA private key in PEM form');
  return { projectId, clientEmail, privateKey, privateKeyId: file.private_key_id ?? null };
}

/** The curve of an elliptic one; null when it is no private key. */
export function keyType(pem: string): string | null {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem);
    return asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType ?? null;
  } catch {
    // What is wrong with it is the sender's business; it must not end up in a log.
    return null;
  }
}
