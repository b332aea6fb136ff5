import { analyzeNewTables } from './analyze-new-tables.ts';
import type { Database } from './database.ts';
import { createPartitionsAhead } from './partitions.ts';

const everyMs = 60 * 60_000;
const analyzeEveryMs = 10_000;
const dayMs = 86_400_000;

// Another node may be setting them just now.
const forgetRests = `
  DELETE FROM message_rests WHERE (instance_id, target, store_id) IN
    (SELECT instance_id, target, store_id FROM message_rests WHERE until < pharos_now() - ${dayMs} FOR UPDATE SKIP LOCKED)`;

/**
 * What a database needs now and then, from whichever nodes are there: partitions for the days to come, and rests forgotten
 * that ended long ago. What fails is done an hour later; there are partitions for a week. And what the planner has to know of
 * tables that have just been filled. Answers how to end it.
 */
export function startUpkeep(database: Database): () => Promise<void> {
  let working = Promise.resolve();
  let analyzing: Promise<unknown> | null = null;
  const work = async (): Promise<void> => {
    await createPartitionsAhead(database, 'upkeep').catch(() => null);
    await database.transaction((sql) => sql.run(forgetRests)).catch(() => null);
  };
  const timers = [
    setInterval(() => void (working = work()), everyMs).unref(),
    setInterval(() => {
      analyzing ??= analyzeNewTables(database)
        .catch(() => null)
        .finally(() => void (analyzing = null));
    }, analyzeEveryMs).unref(),
  ];
  return async () => {
    for (const timer of timers) clearInterval(timer);
    await Promise.all([working, analyzing]);
  };
}
