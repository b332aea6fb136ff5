import { createHmac } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { Pool } from 'undici';

/** A request as Pharos has sent it. */
export interface SampleRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Somebody else who can send the same. */
export interface WebhookSender {
  /** Commits what is to be sent, and forgets what was sent before. */
  readonly write: (requests: readonly SampleRequest[]) => Promise<void>;
  /** Sends all that was written; settles when the results are recorded, in so far as it does. */
  readonly send: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface SenderOptions {
  readonly origin: string;
  /** Requests in flight. */
  readonly concurrency: number;
}

/** Nothing but requests: no queue, no signature, no result. */
export function createBareSender({ origin, concurrency }: SenderOptions): WebhookSender {
  const pool = new Pool(origin, { connections: concurrency });
  let waiting: readonly SampleRequest[] = [];
  return {
    async write(requests) {
      waiting = requests;
    },
    async send() {
      let next = 0;
      const sendInTurn = async (): Promise<void> => {
        for (let request = waiting[next++]; request; request = waiting[next++]) {
          const response = await pool.request({ ...request, method: 'POST' });
          await response.body.dump();
        }
      };
      await Promise.all(Array.from({ length: concurrency }, sendInTurn));
    },
    close: () => pool.close(),
  };
}

/** What a job of the queues does: signs and sends. Answers what is to be recorded. */
function signedPost(pool: Pool) {
  return async ({ path, body }: Pick<SampleRequest, 'path' | 'body'>, id: string) => {
    const startedAt = Date.now();
    const signature = createHmac('sha1', 'secret').update(body).digest('hex');
    const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-signature': signature };
    const response = await pool.request({ path, method: 'POST', headers, body });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw new Error(`answered ${response.statusCode}`);
    return { startedAt, durationMs: Date.now() - startedAt, status: response.statusCode, text };
  };
}

const queueName = 'webhooks';
type Job = Pick<SampleRequest, 'path' | 'body'>;
/** As a cautious sender would have it: a message is tried again. */
const retryLimit = 4;

export function createBullMqSender({ origin, concurrency }: SenderOptions, socket: string): WebhookSender {
  const pool = new Pool(origin, { connections: concurrency });
  const post = signedPost(pool);
  const connection = new Redis({ path: socket, maxRetriesPerRequest: null });
  const queue = new Queue<Job>(queueName, { connection });
  let count = 0;
  return {
    async write(requests) {
      await queue.obliterate({ force: true });
      count = requests.length;
      const opts = { attempts: retryLimit + 1 };
      await queue.addBulk(requests.map(({ path, body }) => ({ name: queueName, data: { path, body }, opts })));
    },
    async send() {
      const worker = new Worker<Job>(queueName, (job) => post(job.data, job.id ?? ''), {
        connection,
        concurrency,
        autorun: false,
      });
      const all = Promise.withResolvers<void>();
      let completed = 0;
      worker.on('completed', () => ++completed === count && all.resolve());
      worker.on('error', all.reject);
      worker.run().catch(all.reject);
      await all.promise;
      await worker.close();
    },
    async close() {
      await queue.close();
      connection.disconnect();
      await pool.close();
    },
  };
}

/** Jobs that a worker of pg-boss takes and completes at a time: several, since each time is two statements. */
const jobsAtATime = 8;

export async function createPgBossSender(
  { origin, concurrency }: SenderOptions,
  connectionString: string,
): Promise<WebhookSender> {
  const pool = new Pool(origin, { connections: concurrency });
  const post = signedPost(pool);
  const database = new pg.Pool({ connectionString, max: 1 });
  database.on('error', console.error);
  const workers = Math.ceil(concurrency / jobsAtATime);
  const boss = new PgBoss({ connectionString, max: workers });
  boss.on('error', console.error);
  await boss.start();
  await boss.createQueue(queueName, { retryLimit });
  let count = 0;
  return {
    async write(requests) {
      await boss.deleteAllJobs(queueName);
      count = requests.length;
      await boss.insert(
        queueName,
        requests.map(({ path, body }) => ({ data: { path, body } })),
      );
    },
    async send() {
      const all = Promise.withResolvers<void>();
      let sent = 0;
      await boss.work<Job>(
        queueName,
        { batchSize: jobsAtATime, localConcurrency: workers, perJobResults: true, burstWhenBatchFull: true },
        (jobs) =>
          Promise.all(
            jobs.map(async ({ id, data }) => {
              const output = await post(data, id);
              if (++sent === count) all.resolve();
              return { id, status: 'completed' as const, output };
            }),
          ),
      );
      await all.promise;
      await boss.offWork(queueName, { wait: true });
      const { rows } = await database.query<{ completed: number }>(
        "SELECT count(*)::int AS completed FROM pgboss.job WHERE name = $1 AND state = 'completed'",
        [queueName],
      );
      if (rows[0]?.completed !== count) throw new Error(`pg-boss has completed ${rows[0]?.completed} of ${count} jobs`);
    },
    async close() {
      await boss.stop({ graceful: false });
      await database.end();
      await pool.close();
    },
  };
}
