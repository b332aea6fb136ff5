import type { FastifyRequest } from 'fastify';
import type { Instance } from '../../core/instances/instance.ts';
import type { DeviceKey } from '../../core/ports/device-store.ts';
import { parseDeviceId } from '../../protocol/ids.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { answering, refuse } from './beams-answer.ts';
import type { Instances } from './instance-access.ts';
import { instanceIdOf, instanceIdRefusal } from './instance-access.ts';

/** Answers for a device whose instance exists; the device itself may be unknown. */
export type DeviceHandler = (key: DeviceKey, request: FastifyRequest, instance: Instance) => Promise<BeamsAnswer>;

/** A route handler that needs the instance of the path. */
export const instanceAnswering =
  (instances: Instances) => (handler: (instance: Instance, request: FastifyRequest) => Promise<BeamsAnswer>) =>
    answering(async (request) => {
      const instanceId = instanceIdOf(request);
      const refusal = instanceIdRefusal(instanceId);
      if (refusal) return refusal;
      const instance = await instances.findInstance(instanceId);
      return instance ? handler(instance, request) : refuse('instance-not-found');
    });

/** A route handler that needs the device of the path. */
export const deviceAnswering = (instances: Instances) => (handler: DeviceHandler) =>
  instanceAnswering(instances)(async (instance, request) => {
    const key = deviceKeyOf(request);
    return 'status' in key ? key : handler(key, request, instance);
  });

/** The device of the path, or what is wrong with it; ids that cannot be ours are unknown devices. */
export function deviceKeyOf(request: FastifyRequest): DeviceKey | BeamsAnswer {
  const params = request.params as { readonly instance: string; readonly platform: string; readonly device: string };
  if (params.device === '') return refuse('device-id-missing');
  const parsed = parseDeviceId(params.device);
  if (parsed?.platform !== params.platform) return refuse('device-not-found');
  return { instanceId: params.instance, ...parsed };
}
