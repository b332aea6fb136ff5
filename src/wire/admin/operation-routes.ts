import type { FastifyInstance } from 'fastify';
import type { Backup } from '../../core/ports/backup.ts';
import type { MasterKeys } from '../../core/secrets/master-keys.ts';
import { AdminFailure } from './admin-failure.ts';

export interface OperationRoutesDeps {
  readonly masterKeys: Pick<MasterKeys, 'rotate' | 'status'>;
  /** Null: the database has means of its own. */
  readonly backUp: (() => Promise<Backup>) | null;
}

/** What belongs to the server as a whole: its master keys and its backup. */
export function operationRoutes(app: FastifyInstance, deps: OperationRoutesDeps): void {
  app.get('/master-keys', async () => deps.masterKeys.status());

  app.post('/master-keys', async (_request, reply) => {
    if (deps.masterKeys.rotate() === 'under-way') {
      throw new AdminFailure('rotation-under-way', 'The change of the master key before this one is not finished yet.');
    }
    return reply.code(202).send(deps.masterKeys.status());
  });

  app.post('/backup', async (_request, reply) => {
    if (!deps.backUp) {
      throw new AdminFailure('not-here', 'PostgreSQL has its own means of backup; docs/operations.md says which.');
    }
    const { bytes, stream } = await deps.backUp();
    return reply.header('content-length', bytes).type('application/vnd.sqlite3').send(stream);
  });
}
