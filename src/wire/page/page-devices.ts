import type { FastifyPluginAsync, FastifyRequest, RouteHandlerMethod } from 'fastify';
import * as z from 'zod';
import type { RenewSubscriptionDeps } from '../../core/devices/renew-subscription.ts';
import { renewSubscription } from '../../core/devices/renew-subscription.ts';
import { runOne } from '../../core/ports/command.ts';
import type { DeviceCommands, DeviceKey, DeviceQueries } from '../../core/ports/device-store.ts';
import { parseDeviceId } from '../../protocol/ids.ts';
import type { BeamsAnswer } from '../beams/beams-answer.ts';
import { answerJson, refuse } from '../beams/beams-answer.ts';
import { allowCrossOrigin } from '../beams/cross-origin.ts';
import { decodeBody, expected } from '../beams/decode-body.ts';
import { instanceAnswering } from '../beams/device-handler.ts';
import type { Instances } from '../beams/instance-access.ts';
import type { InstanceDirectory } from '../../core/instances/instance.ts';
import { isPlainText, isUserId, maxUserIdLength } from '../beams/names.ts';
import type { RequestLimits } from '../beams/request-limits.ts';
import { limitClients } from '../beams/request-limits.ts';
import { decodeWebToken, malformedWebToken, refuseSubscription } from '../beams/web-token.ts';
import { tagChanges } from './tag-changes.ts';

export interface PageDeviceDeps extends RenewSubscriptionDeps {
  readonly instances: Instances & Pick<InstanceDirectory, 'listRelayedEvents'>;
  readonly limits: RequestLimits;
  readonly store: RenewSubscriptionDeps['store'] &
    Pick<DeviceCommands, 'setDeviceAliases' | 'muteDevices' | 'changeTags'> &
    Pick<DeviceQueries, 'listTags'>;
}

const maxTags = 100;
const prefix = '/page_api/v1/instances/:instance';
const device = `${prefix}/devices/:device`;

/** What a page says of its browser, and what it asks before. */
export const pageDevices =
  (deps: PageDeviceDeps): FastifyPluginAsync =>
  async (app) => {
    const { instances, store } = deps;
    limitClients(app, deps.limits.devices, 'rate-limited');
    allowCrossOrigin(app, instances, prefix, ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
    const withDevice = webDeviceAnswering(instances);
    const options = { bodyLimit: 64 * 1024 };

    app.get(
      `${prefix}/page-settings`,
      instanceAnswering(instances)(async ({ id, vapid }) =>
        answerJson({
          vapidPublicKey: Buffer.from(vapid.publicKey).toString('base64url'),
          relayedEvents: await instances.listRelayedEvents(id),
        }),
      ),
    );
    app.put(
      `${device}/subscription`,
      options,
      withDevice((key, request) => renew(deps, key, request)),
    );
    app.put(
      `${device}/muted`,
      options,
      withDevice(async (key, { body }) => {
        const decoded = decodeBody(mutedChange, body);
        if ('refusal' in decoded) return decoded.refusal;
        return answerChange(await runOne(store.muteDevices, { ...key, muted: decoded.value.muted }));
      }),
    );
    app.put(
      `${device}/alias`,
      options,
      withDevice(async (key, { body }) => {
        const decoded = decodeBody(aliasChange, body);
        if ('refusal' in decoded) return decoded.refusal;
        return answerChange(await runOne(store.setDeviceAliases, { ...key, alias: decoded.value.externalId }));
      }),
    );
    app.get(
      `${device}/tags`,
      withDevice(async (key) => {
        const tags = await store.listTags(key);
        return tags ? answerJson({ tags: Object.fromEntries(tags) }) : refuse('device-not-found');
      }),
    );
    app.patch(
      `${device}/tags`,
      options,
      withDevice(async (key, { body }) => {
        const decoded = decodeBody(tagChanges(maxTags), body);
        if ('refusal' in decoded) return decoded.refusal;
        const result = await runOne(store.changeTags, { ...key, tags: decoded.value.tags, maxTags });
        return result === 'too-many-tags'
          ? refuse('wrong-schema', `\`tags\`: a device can have at most ${maxTags} tags`)
          : answerChange(result);
      }),
    );
  };

const changed = answerJson({});
const answerChange = (result: 'set' | 'changed' | 'updated' | 'unknown-device'): BeamsAnswer =>
  result === 'unknown-device' ? refuse('device-not-found') : changed;

const mutedChange = z.object({ muted: z.boolean({ error: expected('true or false') }) });

const externalId = expected(`a string of 1 to ${maxUserIdLength} characters, or null`);
const aliasChange = z.object({
  externalId: z.string({ error: externalId }).refine(isUserId, { error: externalId }).nullable(),
});

const subscriptionChange = z.object({ token: z.string({ error: expected('a string') }).refine(isPlainText) });

async function renew(deps: PageDeviceDeps, key: DeviceKey, request: FastifyRequest): Promise<BeamsAnswer> {
  const decoded = decodeBody(subscriptionChange, request.body);
  if ('refusal' in decoded) return decoded.refusal;
  const subscription = decodeWebToken(decoded.value.token);
  if (!subscription) return malformedWebToken;
  const result = await renewSubscription(deps, key, subscription);
  return typeof result === 'string' ? answerChange(result) : refuseSubscription(result);
}

/** A route handler for the browser of the path; ids that cannot be a browser's are unknown devices. */
const webDeviceAnswering =
  (instances: Instances) =>
  (handler: (key: DeviceKey, request: FastifyRequest) => Promise<BeamsAnswer>): RouteHandlerMethod =>
    instanceAnswering(instances)(async (instance, request) => {
      const parsed = parseDeviceId((request.params as { readonly device: string }).device);
      if (parsed?.platform !== 'web') return refuse('device-not-found');
      return handler({ instanceId: instance.id, ...parsed }, request);
    });
