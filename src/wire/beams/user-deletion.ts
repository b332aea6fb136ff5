import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Clock } from '../../core/ports/clock.ts';
import type { EraseUserDeps } from '../../core/users/erase-user.ts';
import { eraseUser } from '../../core/users/erase-user.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { answering, done, refuse } from './beams-answer.ts';
import type { Instances } from './instance-access.ts';
import { instanceIdOf, requireSecretKey } from './instance-access.ts';
import { isUserId, maxUserIdLength } from './names.ts';

export interface UserDeletionDeps extends EraseUserDeps {
  readonly instances: Instances;
  readonly clock: Clock;
}

/** Deleting a user: server to server, with the instance's secret key. "Removes all the user's devices." */
export const userDeletion =
  (deps: UserDeletionDeps): FastifyPluginAsync =>
  async (app) => {
    app.addHook('onRequest', requireSecretKey(deps, 'malformed-instance-id'));
    const deleteUser = answering((request) => deleteUserOf(deps, request));
    // "Documentation, Ruby, PHP, Python, Go, Java": customer_api; "Node": user_api.
    for (const api of ['customer_api', 'user_api']) {
      // A wildcard, because "Python leaves `/` raw (`users/a/b` is user `a/b`)".
      app.delete(`/${api}/v1/instances/:instance/users/*`, { bodyLimit: 1024 }, deleteUser);
    }
  };

async function deleteUserOf(deps: UserDeletionDeps, request: FastifyRequest): Promise<BeamsAnswer> {
  const user = userIdInPath(request.raw.url ?? '', request.headers['x-pusher-library']);
  // "Empty id in the path: 404".
  if (user === '') return refuse('user-id-missing');
  if (user.length > maxUserIdLength) return refuse('user-id-too-long');
  if (!isUserId(user)) return refuse('malformed-user-id');
  await eraseUser(deps, instanceIdOf(request), user);
  // "200, empty body (also for one that never existed)".
  return done;
}

/**
 * The user id at the end of a raw path, whose percent-encoding the router has found valid. "Ruby, PHP and Java encode a
 * space as `+`; Go leaves a literal `+`; X-Pusher-Library tells them apart": so unknown clients mean a plus, as RFC 3986
 * says.
 */
export function userIdInPath(url: string, library: string | readonly string[] | undefined): string {
  const encoded = /\/users\/([^?#]*)/.exec(url)?.[1] ?? '';
  const plusIsSpace = /\b(?:ruby|php|java)\b/i.test(String(library));
  return decodeURIComponent(plusIsSpace ? encoded.replaceAll('+', '%20') : encoded);
}
