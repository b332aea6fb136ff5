import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SetCredentials, SetCredentialsDeps } from '../../core/credentials/set-credentials.ts';
import { setApnsCredentials, setFcmCredentials } from '../../core/credentials/set-credentials.ts';
import type { DeleteCredentialsDeps } from '../../core/credentials/delete-credentials.ts';
import { deleteCredentials } from '../../core/credentials/delete-credentials.ts';
import type { InstanceDirectory } from '../../core/instances/instance.ts';
import type { CredentialsQueries, CredentialsView } from '../../core/ports/credentials-store.ts';
import type { ApnsCredentials, FcmCredentials } from '../../core/ports/gateway.ts';
import { AdminFailure, invalidField, unknownInstance } from './admin-failure.ts';
import { parseInput } from './parse-input.ts';

export interface CredentialsRoutesDeps extends SetCredentialsDeps, DeleteCredentialsDeps {
  readonly store: SetCredentialsDeps['store'] & DeleteCredentialsDeps['store'] & CredentialsQueries;
  readonly instances: InstanceDirectory;
}

/** The key file is taken as it is: Google may add to it. */
const serviceAccount = z.looseObject({
  type: z.string().optional(),
  project_id: z.string().optional(),
  client_email: z.string().optional(),
  private_key: z.string().max(20_000).optional(),
  private_key_id: z.string().max(200).optional(),
});
const fcmInput = z.strictObject({ serviceAccount, check: z.boolean().default(true) });
const apnsInput = z.strictObject({
  environment: z.enum(['production', 'sandbox']),
  bundleIdentifier: z.string().optional(),
  token: z.strictObject({ keyId: z.string(), teamId: z.string(), privateKey: z.string().max(20_000) }).optional(),
  certificate: z.strictObject({ certificate: z.string().max(50_000), privateKey: z.string().max(20_000) }).optional(),
  p12: z.strictObject({ file: z.base64().max(100_000), passphrase: z.string().max(1_000) }).optional(),
  check: z.boolean().default(true),
});

type OfInstance = { Params: { instanceId: string } };

export function credentialsRoutes(app: FastifyInstance, deps: CredentialsRoutesDeps): void {
  const describe = async (instanceId: string, view: CredentialsView) =>
    view.platform === 'fcm'
      ? renderFcm(view, await deps.instances.findFcmCredentials(instanceId))
      : renderApns(view, await deps.instances.findApnsCredentials(instanceId));
  const answer = async (instanceId: string, result: SetCredentials) => describe(instanceId, viewOf(instanceId, result));

  app.put<OfInstance>('/instances/:instanceId/credentials/fcm', async ({ params: { instanceId }, body }) => {
    const { serviceAccount: file, check } = parseInput(fcmInput, body);
    return answer(instanceId, await setFcmCredentials(deps, instanceId, file, { check }));
  });

  app.put<OfInstance>('/instances/:instanceId/credentials/apns', async ({ params: { instanceId }, body }) => {
    const { check, ...input } = parseInput(apnsInput, body);
    return answer(instanceId, await setApnsCredentials(deps, instanceId, input, { check }));
  });

  app.get<OfInstance>('/instances/:instanceId/credentials', async ({ params: { instanceId } }) => {
    if (!(await deps.instances.findInstance(instanceId))) throw unknownInstance(instanceId);
    const found = await Promise.all(
      (['fcm', 'apns'] as const).map((platform) => deps.store.findCredentials({ instanceId, platform })),
    );
    return {
      credentials: await Promise.all(found.flatMap((record) => (record ? [describe(instanceId, record)] : []))),
    };
  });

  for (const platform of ['fcm', 'apns'] as const) {
    app.delete<OfInstance>(`/instances/:instanceId/credentials/${platform}`, async ({ params }, reply) => {
      const { instanceId } = params;
      if ((await deleteCredentials(deps, { instanceId, platform })) !== 'deleted') {
        throw new AdminFailure('unknown-credentials', `No ${platform} credentials are set for instance ${instanceId}.`);
      }
      return reply.code(204).send();
    });
  }
}

function viewOf(instanceId: string, result: SetCredentials): CredentialsView {
  switch (result.kind) {
    case 'set':
      return result.view;
    case 'invalid':
      throw invalidField(result.field, result.expected);
    case 'unknown-instance':
      throw unknownInstance(instanceId);
    case 'refused':
      throw new AdminFailure('credentials-refused', `The service does not take them: ${result.reason}`);
    case 'unchecked':
      throw new AdminFailure(
        'credentials-unchecked',
        `The service could not be asked, so nothing was changed; \`"check": false\` sets them unasked. ${result.reason}`,
      );
  }
}

/** Nothing that is secret is shown again. */
const renderView = ({ platform, fingerprint, setAt, expiresAt }: CredentialsView) => ({
  platform,
  fingerprint,
  setAt: new Date(setAt).toISOString(),
  expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
});

const renderFcm = (view: CredentialsView, credentials: FcmCredentials | null) => ({
  ...renderView(view),
  ...(credentials && { projectId: credentials.projectId, clientEmail: credentials.clientEmail }),
});

const renderApns = (view: CredentialsView, credentials: ApnsCredentials | null) => ({
  ...renderView(view),
  ...(credentials && {
    environment: credentials.environment,
    bundleIdentifier: credentials.bundleIdentifier,
    kind: credentials.kind,
    ...(credentials.kind === 'token' && { keyId: credentials.keyId, teamId: credentials.teamId }),
  }),
});

export type ShownCredentials = ReturnType<typeof renderFcm> | ReturnType<typeof renderApns>;
