import type { FastifyPluginAsync } from 'fastify';
import type { RefreshPhoneTokenDeps } from '../../core/devices/refresh-phone-token.ts';
import type { RegisterWebDeviceDeps } from '../../core/devices/register-web-device.ts';
import { runOne } from '../../core/ports/command.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { DeviceCommands, DeviceQueries } from '../../core/ports/device-store.ts';
import { formatDeviceId } from '../../protocol/ids.ts';
import { answering, answerJson, done, refuse } from './beams-answer.ts';
import { allowCrossOrigin } from './cross-origin.ts';
import { decodeBody } from './decode-body.ts';
import { deviceAnswering, deviceKeyOf, instanceAnswering } from './device-handler.ts';
import { deviceInterests } from './device-interests.ts';
import { deviceMetadata, deviceRegistration, refreshToken, registrationMaxBytes } from './device-registration.ts';
import { setDeviceUser } from './device-user.ts';
import type { Instances } from './instance-access.ts';
import { instanceIdOf, instanceIdRefusal } from './instance-access.ts';
import type { RequestLimits } from './request-limits.ts';
import { limitClients } from './request-limits.ts';

export interface DeviceApiDeps extends RegisterWebDeviceDeps, RefreshPhoneTokenDeps {
  readonly instances: Instances;
  readonly limits: RequestLimits;
  readonly store: DeviceCommands & DeviceQueries;
  readonly clock: Clock;
  /** Issuer of user tokens besides Beams' own; null: none. */
  readonly publicOrigin: string | null;
}

const prefix = '/device_api/v1/instances/:instance';
const device = `${prefix}/devices/:platform/:device`;

const metadataMaxBytes = 4 * 1024;

/** Device API: browsers and phones, cross-origin, no key: the device id is the capability. */
export const deviceApi =
  (deps: DeviceApiDeps): FastifyPluginAsync =>
  async (app) => {
    const { instances, store } = deps;
    limitClients(app, deps.limits.devices, 'rate-limited');
    allowCrossOrigin(app, instances, prefix);
    const withInstance = instanceAnswering(instances);
    const withDevice = deviceAnswering(instances);

    app.get(
      `${prefix}/web-vapid-public-key`,
      withInstance(async ({ vapid }) =>
        answerJson({ vapidPublicKey: Buffer.from(vapid.publicKey).toString('base64url') }),
      ),
    );
    deviceRegistration(app, deps, `${prefix}/devices`, withInstance);
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
    app.route({
      method: ['GET', 'DELETE'],
      url: `${prefix}/devices/:platform`,
      config: { leavesBody: true },
      handler: answering(async () => refuse('device-id-missing')),
    });
    app.put(
      `${device}/metadata`,
      { bodyLimit: metadataMaxBytes },
      withDevice(async (key, request) => {
        const decoded = decodeBody(deviceMetadata, request.body);
        if ('refusal' in decoded) return decoded.refusal;
        const result = await runOne(store.updateDeviceMetadata, { ...key, metadata: JSON.stringify(decoded.value) });
        return result === 'updated' ? done : refuse('device-not-found');
      }),
    );
    app.put(
      `${device}/token`,
      { bodyLimit: registrationMaxBytes },
      withDevice((key, request) => refreshToken(deps, key, request.body)),
    );
    app.put(`${device}/user`, { bodyLimit: metadataMaxBytes }, withDevice(setDeviceUser(deps)));
    deviceInterests(app, { store, limits: deps.limits }, `${device}/interests`, withDevice);
  };
