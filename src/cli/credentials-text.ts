import type { ShownCredentials } from '../wire/admin/credentials-routes.ts';
import { formatFields } from './format-text.ts';

/** Nothing that is secret. */
export const credentialsText = (credentials: ShownCredentials): string =>
  formatFields({
    platform: credentials.platform,
    ...('projectId' in credentials && { project: credentials.projectId, account: credentials.clientEmail }),
    ...('environment' in credentials && {
      environment: credentials.environment,
      'bundle identifier': credentials.bundleIdentifier,
      kind: credentials.kind,
    }),
    ...('keyId' in credentials && { 'key id': credentials.keyId, 'team id': credentials.teamId }),
    'fingerprint of the key': credentials.fingerprint,
    'set at': credentials.setAt,
    'expires at': credentials.expiresAt,
  });
