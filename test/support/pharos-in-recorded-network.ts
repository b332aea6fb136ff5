import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readServerSettings } from '../../src/config/server-settings.ts';
import type { Network } from '../../src/egress/network.ts';
import { startPharos } from '../../src/main.ts';

export interface RecordedNetwork extends Network {
  /** IP addresses, in the order in which they were dialled. */
  readonly dialled: readonly string[];
  /** Host names that were looked up and are not among the known ones. */
  readonly unknownNames: readonly string[];
}

/** An internet where every address that is dialled is answered by the local server at `port`. */
export function recordedNetwork(port: number, names: ReadonlyMap<string, string>): RecordedNetwork {
  const dialled: string[] = [];
  const unknownNames: string[] = [];
  return {
    dialled,
    unknownNames,
    async resolve(hostname) {
      const address = names.get(hostname);
      if (address !== undefined) return [address];
      unknownNames.push(hostname);
      throw new Error(`${hostname} does not exist in this test`);
    },
    dial(address) {
      dialled.push(address);
      return connect({ host: '127.0.0.1', port, noDelay: true });
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export type PharosInside = Awaited<ReturnType<typeof openPharos>>;

/** The whole server in this process, on a fresh data folder, with no limits of rate; a webhook is attempted once. */
export async function openPharos(network: Network, settings: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'pharos-test-'));
  const read = readServerSettings(
    {},
    {
      PHAROS_DATA_DIR: join(folder, 'data'),
      PHAROS_PORT: '0',
      PHAROS_LOG_LEVEL: 'error',
      PHAROS_ALLOW_HTTP_WEBHOOKS: 'true',
      PHAROS_CLIENT_REQUESTS_PER_SECOND: '1000000',
      PHAROS_PUBLISHES_PER_SECOND: '1000000',
      ...settings,
    },
  );
  if (!read.ok) throw new Error(read.mistakes.join('\n'));
  const { dataDir } = read.value;
  const pharos = await startPharos(read.value, { network, webhookRetryDelaysMs: [], webhookBreakerPausesMs: [10] });
  const db = new DatabaseSync(join(dataDir, 'pharos.db'), { readOnly: true });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 250 });
  const adminToken = readFileSync(join(dataDir, 'admin-token'), 'utf8').trim();

  const send = (method: string, path: string, body?: object, authorization?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = {
        ...(body && { 'content-type': 'application/json' }),
        ...(authorization && { authorization: `Bearer ${authorization}` }),
      };
      const request = http.request(`${pharos.urls[0]}${path}`, { agent, method, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      request.on('error', reject).end(body && JSON.stringify(body));
    });

  return {
    send,
    /** Answers what a 2xx of the admin API says. */
    async admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
      const answer = await send(method, `/admin/v1${path}`, body, adminToken);
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
      return JSON.parse(answer.body) as Record<string, unknown>;
    },
    async createInstance(): Promise<{ readonly id: string; readonly secretKey: string }> {
      const instance = await this.admin('POST', '/instances', { name: randomUUID() });
      return instance as { id: string; secretKey: string };
    },
    /** Rows of the database. */
    rows: (sql: string): Record<string, unknown>[] => db.prepare(sql).all(),
    stop: () => pharos.stop(),
    async remove() {
      agent.destroy();
      db.close();
      await pharos.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
