import type { FastifyPluginAsync } from 'fastify';
import * as z from 'zod';
import type { RegisterWebDeviceDeps } from '../../core/devices/register-web-device.ts';
import { registerWebDevice } from '../../core/devices/register-web-device.ts';
import type { Instance } from '../../core/instances/instance.ts';
import { runOne } from '../../core/ports/command.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { DeviceCommands, DeviceQueries } from '../../core/ports/device-store.ts';
import { formatDeviceId } from '../../protocol/ids.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { answering, answerJson, done, refuse } from './beams-answer.ts';
import { allowCrossOrigin } from './cross-origin.ts';
import { decodeBody, expected } from './decode-body.ts';
import { deviceAnswering, deviceKeyOf, instanceAnswering } from './device-handler.ts';
import { deviceInterests } from './device-interests.ts';
import { setDeviceUser } from './device-user.ts';
import type { Instances } from './instance-access.ts';
import { instanceIdOf, instanceIdRefusal } from './instance-access.ts';
import { decodeWebToken } from './web-token.ts';

export interface DeviceApiDeps extends RegisterWebDeviceDeps {
  readonly instances: Instances;
  readonly store: DeviceCommands & DeviceQueries;
  readonly clock: Clock;
  /** Issuer of user tokens besides Beams' own; null: none. */
  readonly publicOrigin: string | null;
}

const prefix = '/device_api/v1/instances/:instance';
const device = `${prefix}/devices/:platform/:device`;

/** A subscription's endpoint and the metadata fit well. */
const registrationMaxBytes = 16 * 1024;
const metadataMaxBytes = 4 * 1024;

/** Device API: browsers and phones, cross-origin, no key: the device id is the capability. */
export const deviceApi =
  (deps: DeviceApiDeps): FastifyPluginAsync =>
  async (app) => {
    const { instances, store } = deps;
    allowCrossOrigin(app, instances, prefix);
    const withInstance = instanceAnswering(instances);
    const withDevice = deviceAnswering(instances);

    app.get(
      `${prefix}/web-vapid-public-key`,
      withInstance(async ({ vapid }) =>
        answerJson({ vapidPublicKey: Buffer.from(vapid.publicKey).toString('base64url') }),
      ),
    );
    app.post(
      `${prefix}/devices/web`,
      { bodyLimit: registrationMaxBytes },
      withInstance((instance, request) => registerWeb(deps, instance, request.body)),
    );
    app.get(
      device,
      withDevice(async (key) => {
        const found = await store.findDevice(key);
        if (!found) return refuse('device-not-found');
        const id = formatDeviceId(found.platform, found.deviceId);
        return answerJson({ id, userId: found.user, metadata: JSON.parse(found.metadata) as object });
      }),
    );
    app.delete(
      device,
      { bodyLimit: metadataMaxBytes },
      answering(async (request) => {
        const refusal = instanceIdRefusal(instanceIdOf(request));
        if (refusal) return refusal;
        const key = deviceKeyOf(request);
        // "Never 404: Android retries it for ever, web's `stop()` aborts": neither for the device nor for the instance.
        if ('status' in key) return key.status === 404 ? done : key;
        await runOne(store.removeDevices, key);
        return done;
      }),
    );
    app.put(
      `${device}/metadata`,
      { bodyLimit: metadataMaxBytes },
      withDevice(async (key, request) => {
        const decoded = decodeBody(metadata, request.body);
        if ('refusal' in decoded) return decoded.refusal;
        const result = await runOne(store.updateDeviceMetadata, { ...key, metadata: JSON.stringify(decoded.value) });
        return result === 'updated' ? done : refuse('device-not-found');
      }),
    );
    app.put(`${device}/user`, { bodyLimit: metadataMaxBytes }, withDevice(setDeviceUser(deps)));
    deviceInterests(app, store, `${device}/interests`, withDevice);
  };

/** "Flat `{"sdkVersion", …}`": for the dashboards of those who run the apps, never interpreted here. */
const metadata = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.null()], {
    error: expected('a string, a number, true, false or null'),
  }),
  { error: expected('an object') },
);

const registration = z.object({
  token: z.string({ error: expected('a string') }),
  metadata: metadata.nullish(),
});

async function registerWeb(deps: DeviceApiDeps, instance: Instance, body: unknown): Promise<BeamsAnswer> {
  const decoded = decodeBody(registration, body, { fields: ['token'], code: 'token-missing' });
  if ('refusal' in decoded) return decoded.refusal;
  const subscription = decodeWebToken(decoded.value.token);
  if (!subscription) {
    return refuse('wrong-schema', '`token`: expected the JSON of a PushSubscription in standard padded base64');
  }
  const result = await registerWebDevice(deps, {
    instanceId: instance.id,
    subscription,
    metadata: JSON.stringify(decoded.value.metadata ?? {}),
  });
  if (result.kind === 'refused') {
    const field = result.part === 'endpoint' ? 'endpoint' : `keys.${result.part}`;
    return refuse('wrong-schema', `\`token.${field}\`: ${result.reason}`);
  }
  // "A token that is known again gives the same id, and `initialInterestSet` = the device's current interests".
  return answerJson({ id: formatDeviceId('web', result.deviceId), initialInterestSet: result.interests });
}
