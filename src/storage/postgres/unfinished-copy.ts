import { OperatorProblem } from '../../core/ports/operator-problem.ts';
import type { Database } from './database.ts';

/** Throws when `pharos db copy` into the database was begun and has not finished. */
export async function refuseUnfinishedCopy(database: Database): Promise<void> {
  if (!(await database.sql.get('SELECT 1 FROM copy_progress LIMIT 1'))) return;
  throw new OperatorProblem(
    'the database holds a copy that is not finished: call `pharos db copy` again, it goes on where it was',
  );
}
