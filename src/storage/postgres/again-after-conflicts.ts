import { setTimeout as delay } from 'node:timers/promises';
import { isConflict } from './unavailable.ts';

const maxConflicts = 10;

/** Of transactions that wait for each other the database rolls one back. So it does, rarely, with a query beside a migration. */
export async function againAfterConflicts<Result>(transaction: () => Promise<Result>): Promise<Result> {
  for (let conflicts = 0; ; conflicts += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (!isConflict(error) || conflicts === maxConflicts) throw error;
      await delay(Math.random() * 10 * (conflicts + 1));
    }
  }
}
