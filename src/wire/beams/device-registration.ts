import type { FastifyInstance, FastifyRequest, RouteHandlerMethod } from 'fastify';
import * as z from 'zod';
import type { PhonePlatform } from '../../core/devices/phone-token.ts';
import type { RefreshPhoneTokenDeps } from '../../core/devices/refresh-phone-token.ts';
import { refreshPhoneToken } from '../../core/devices/refresh-phone-token.ts';
import { registerPhone } from '../../core/devices/register-phone.ts';
import type { RegisterWebDeviceDeps } from '../../core/devices/register-web-device.ts';
import { registerWebDevice } from '../../core/devices/register-web-device.ts';
import type { Instance } from '../../core/instances/instance.ts';
import type { DeviceKey, DeviceRegistration } from '../../core/ports/device-store.ts';
import { formatDeviceId, type Platform } from '../../protocol/ids.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { answerJson, done, refuse } from './beams-answer.ts';
import { decodeBody, expected } from './decode-body.ts';
import { decodeWebToken, malformedWebToken, refuseSubscription } from './web-token.ts';

/** A subscription's endpoint or a token, and the metadata, fit well. */
export const registrationMaxBytes = 16 * 1024;

/** "Flat `{"sdkVersion", …}`": for the dashboards of those who run the apps. Insights look at the version. */
export const deviceMetadata = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.null()], {
    error: expected('a string, a number, true, false or null'),
  }),
  { error: expected('an object') },
);

const token = z.string({ error: expected('a string') });
const webRegistration = z.object({ token, metadata: deviceMetadata.nullish() });

const bundleRule = expected('an identifier of 1 to 255 printable ASCII characters without blanks');
const bundleIdentifier = z.string({ error: bundleRule }).regex(/^[\x21-\x7e]{1,255}$/, { error: bundleRule });
const phoneRegistration = z.object({
  token,
  metadata: deviceMetadata.nullish(),
  bundleIdentifier: bundleIdentifier.nullish(),
  // Ids that the app had with the product before Beams: nothing here knows them.
  knownPreviousClientIds: z.array(z.string(), { error: expected('an array of strings') }).nullish(),
});

const tokenRequired = { fields: ['token'], code: 'token-missing' } as const;

type WithInstance = (
  handler: (instance: Instance, request: FastifyRequest) => Promise<BeamsAnswer>,
) => RouteHandlerMethod;

/** `POST …/devices/{platform}`. */
export function deviceRegistration(
  app: FastifyInstance,
  deps: RegisterWebDeviceDeps,
  path: string,
  withInstance: WithInstance,
): void {
  const options = { bodyLimit: registrationMaxBytes };
  app.post(
    `${path}/web`,
    options,
    withInstance((instance, { body }) => registerWeb(deps, instance, body)),
  );
  for (const platform of ['fcm', 'apns'] as const) {
    app.post(
      `${path}/${platform}`,
      options,
      withInstance((instance, { body }) => register(deps, instance, platform, body)),
    );
  }
}

async function registerWeb(deps: RegisterWebDeviceDeps, instance: Instance, body: unknown): Promise<BeamsAnswer> {
  const decoded = decodeBody(webRegistration, body, tokenRequired);
  if ('refusal' in decoded) return decoded.refusal;
  const subscription = decodeWebToken(decoded.value.token);
  if (!subscription) return malformedWebToken;
  const metadata = JSON.stringify(decoded.value.metadata ?? {});
  const result = await registerWebDevice(deps, { instanceId: instance.id, subscription, metadata });
  return result.kind === 'refused' ? refuseSubscription(result) : answerRegistration('web', result);
}

async function register(
  deps: RegisterWebDeviceDeps,
  instance: Instance,
  platform: PhonePlatform,
  body: unknown,
): Promise<BeamsAnswer> {
  const decoded = decodeBody(phoneRegistration, body, tokenRequired);
  if ('refusal' in decoded) return decoded.refusal;
  const { token: given, bundleIdentifier: bundle = null } = decoded.value;
  // "400: missing device token or bundle id": APNs takes nothing without it, FCM does.
  if (platform === 'apns' && bundle === null) return refuse('bundle-identifier-missing');
  const result = await registerPhone(deps, {
    instanceId: instance.id,
    platform,
    token: given,
    metadata: JSON.stringify(decoded.value.metadata ?? {}),
    bundleIdentifier: bundle,
  });
  return result.kind === 'unusable-token' ? refuse(`${platform}-token-unusable`) : answerRegistration(platform, result);
}

/** "A token that is known again gives the same id, and `initialInterestSet` = the device's current interests". */
const answerRegistration = (platform: Platform, result: DeviceRegistration): BeamsAnswer =>
  result.kind === 'registered'
    ? answerJson({ id: formatDeviceId(platform, result.deviceId), initialInterestSet: result.interests })
    : refuse('device-not-created');

const refresh = z.object({ token });

/** `PUT …/token`: "`{"token"}`; apns too; 404 when unknown". A browser's subscription has no token to change alone. */
export async function refreshToken(deps: RefreshPhoneTokenDeps, key: DeviceKey, body: unknown): Promise<BeamsAnswer> {
  const { platform } = key;
  if (platform === 'web') return refuse('device-not-found');
  const decoded = decodeBody(refresh, body, tokenRequired);
  if ('refusal' in decoded) return decoded.refusal;
  const result = await refreshPhoneToken(deps, { ...key, platform }, decoded.value.token);
  switch (result) {
    case 'updated':
      return done;
    case 'unknown-device':
      return refuse('device-not-found');
    case 'unusable-token':
      return refuse(platform === 'apns' ? 'apns-token-unusable' : 'fcm-token-unusable-on-refresh');
  }
}
