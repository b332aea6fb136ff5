import type { FastifyInstance, FastifyRequest, preHandlerHookHandler, RouteHandlerMethod } from 'fastify';
import * as z from 'zod';
import { runOne } from '../../core/ports/command.ts';
import type { DeviceCommands, DeviceKey, DeviceQueries } from '../../core/ports/device-store.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { clientKey } from '../http/client-key.ts';
import { answerJson, done, refuse, sendLater } from './beams-answer.ts';
import { decodeBody, expected } from './decode-body.ts';
import type { DeviceHandler } from './device-handler.ts';
import { isInterestName } from './names.ts';
import type { RequestLimits } from './request-limits.ts';

/** "5000 interests a device" */
const maxInterests = 5000;
/** Fits 5000 interests of 164 characters. */
const interestSetMaxBytes = 1024 * 1024;
/** "limit ≤ 100" */
const maxPageSize = 100;
/** What the limit on requests takes a set of so many for. */
const interestsPerRequest = 50;

type InterestStore = Pick<DeviceCommands, 'replaceInterests' | 'addInterests' | 'removeInterests'> &
  Pick<DeviceQueries, 'listInterests'>;

/** A device's interests, at `path`. */
export function deviceInterests(
  app: FastifyInstance,
  { store, limits }: { readonly store: InterestStore; readonly limits: RequestLimits },
  path: string,
  withDevice: (handler: DeviceHandler) => RouteHandlerMethod,
): void {
  app.get(
    path,
    withDevice((key, request) => listInterests(store, key, request.query as Query)),
  );
  app.put(
    path,
    { bodyLimit: interestSetMaxBytes, preHandler: limitInterests(limits) },
    withDevice((key, request) => replaceInterests(store, key, request.body)),
  );
  // A wildcard, so that a name with a raw slash is an invalid name, not an unknown device.
  const interest = `${path}/*`;
  app.post(
    interest,
    { bodyLimit: 1024 },
    withDevice(async (key, request) => {
      const name = interestOf(request);
      if (!isInterestName(name)) return refuse('invalid-interest-name');
      const result = await runOne(store.addInterests, { ...key, interest: name, maxInterests });
      if (result === 'too-many-interests') return refuse('interest-set-too-large');
      return result === 'added' ? done : refuse('device-not-found');
    }),
  );
  app.delete(
    interest,
    { bodyLimit: 1024 },
    withDevice(async (key, request) => {
      const name = interestOf(request);
      if (!isInterestName(name)) return refuse('invalid-interest-name');
      const result = await runOne(store.removeInterests, { ...key, interest: name });
      return result === 'removed' ? done : refuse('device-not-found');
    }),
  );
}

/** "Interests in paths arrive raw from Swift (`a;b`, `@x`, `a==b`) and percent-encoded from web": decoded by the router. */
const interestOf = (request: FastifyRequest): string => (request.params as { readonly '*': string })['*'];

/** A key given twice is an array. */
type Query = Readonly<Record<'limit' | 'cursor', string | readonly string[] | undefined>>;

/** A cursor is the last interest of the page before. */
async function listInterests(store: InterestStore, key: DeviceKey, query: Query): Promise<BeamsAnswer> {
  const { limit: limitText = String(maxPageSize), cursor = '' } = query;
  const limit = typeof limitText === 'string' && /^\d{1,3}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > maxPageSize) return refuse('malformed-limit');
  if (typeof cursor !== 'string' || (cursor !== '' && !isInterestName(cursor))) return refuse('malformed-cursor');
  const interests = await store.listInterests({ ...key, after: cursor, limit: limit + 1 });
  if (!interests) return refuse('device-not-found');
  const page = interests.slice(0, limit);
  const nextCursor = interests.length > limit ? { nextCursor: page.at(-1) } : {};
  return answerJson({ interests: page, responseMetadata: nextCursor });
}

/** A set of many costs the database as much as that many small requests: its client has paid for one. */
const limitInterests =
  ({ devices }: RequestLimits): preHandlerHookHandler =>
  (request, reply, done) => {
    const { interests } = (request.body ?? {}) as { readonly interests?: unknown };
    // What is more than a device may have is refused.
    const count = Array.isArray(interests) ? Math.min(interests.length, maxInterests) : 0;
    const cost = Math.floor(count / interestsPerRequest);
    const waitMs = cost === 0 ? null : devices.take(clientKey(request), cost);
    if (waitMs === null) done();
    else sendLater(reply, refuse('rate-limited'), waitMs);
  };

/** The first mistake alone: one for each of half a million elements would take a second. */
const names = z.unknown().transform((value, context): readonly string[] => {
  if (!Array.isArray(value)) {
    const message = expected('an array of strings')({ input: value, path: ['interests'] });
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }
  const mistake = value.findIndex((name) => typeof name !== 'string');
  if (mistake === -1) return value as string[];
  context.addIssue({ code: 'custom', message: 'expected a string', path: [mistake] });
  return z.NEVER;
});
const interestSet = z.object({ interests: names });

async function replaceInterests(store: InterestStore, key: DeviceKey, body: unknown): Promise<BeamsAnswer> {
  const decoded = decodeBody(interestSet, body);
  if ('refusal' in decoded) return decoded.refusal;
  const interests = [...new Set(decoded.value.interests)];
  if (interests.length > maxInterests) return refuse('interest-set-too-large');
  if (!interests.every(isInterestName)) return refuse('invalid-interest-name');
  const result = await runOne(store.replaceInterests, { ...key, interests });
  return result === 'replaced' ? done : refuse('device-not-found');
}
