import { runOne } from '../../core/ports/command.ts';
import { acceptedSecretKeys } from '../../core/instances/accepted-secret-keys.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { DeviceCommands } from '../../core/ports/device-store.ts';
import type { TokenVerdict } from '../../core/users/verify-user-token.ts';
import { verifyUserToken } from '../../core/users/verify-user-token.ts';
import { done, refuse } from './beams-answer.ts';
import type { BeamsErrorCode } from './beams-errors.ts';
import type { DeviceHandler } from './device-handler.ts';
import { bearerOf } from './instance-access.ts';
import { isUserId } from './names.ts';

/** "100 devices a user and platform" */
const maxDevices = 100;

const refusals: Readonly<Record<Exclude<TokenVerdict['kind'], 'valid'>, BeamsErrorCode>> = {
  untrusted: 'user-token-untrusted',
  expired: 'user-token-expired',
  'not-yet-valid': 'user-token-not-yet-valid',
  incomplete: 'user-token-incomplete',
  'wrong-issuer': 'user-token-wrong-issuer',
};

/** `PUT …/user`: "`Authorization: Bearer <user token>`, no body". */
export const setDeviceUser =
  (deps: {
    readonly clock: Clock;
    readonly publicOrigin: string | null;
    readonly store: Pick<DeviceCommands, 'setDeviceUsers'>;
  }): DeviceHandler =>
  async (key, request, instance) => {
    // "401: on `PUT …/user`, missing or malformed token".
    const token = bearerOf(request);
    if (token === null) return refuse('user-token-missing');
    const verdict = await verifyUserToken(deps, {
      token,
      secretKeys: acceptedSecretKeys(instance, deps.clock()),
      // "`iss` = https://<instance>.pushnotifications.pusher.com (ours also: our own origin)".
      issuers: [
        `https://${instance.id}.pushnotifications.pusher.com`,
        ...(deps.publicOrigin ? [deps.publicOrigin] : []),
      ],
    });
    if (verdict.kind !== 'valid') return refuse(refusals[verdict.kind]);
    if (!isUserId(verdict.user)) return refuse('user-token-incomplete');
    const result = await runOne(deps.store.setDeviceUsers, { ...key, user: verdict.user, maxDevices });
    switch (result) {
      // "The same user again → 200 (apps call it at every launch)".
      case 'set':
        return done;
      case 'unknown-device':
        return refuse('device-not-found');
      case 'has-other-user':
        return refuse('device-has-other-user');
      case 'too-many-devices':
        return refuse(key.platform === 'apns' ? 'too-many-apns-devices' : 'too-many-devices');
    }
  };
