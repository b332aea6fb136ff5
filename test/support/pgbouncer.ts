import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePackages } from './ensure-packages.ts';
import { freePort } from './free-port.ts';
import { withClient } from './postgres-client.ts';
import { findPostgres } from './postgres-programs.ts';
import { waitFor } from './wait-for.ts';

export interface Pgbouncer {
  /** The same database, through it. */
  readonly urlOf: (database: string) => string;
  readonly stop: () => Promise<void>;
}

/** Where Debian puts it. */
const program = '/usr/sbin/pgbouncer';

/** A PgBouncer in transaction mode before the server of `url`, with a few connections to it for however many clients. */
export async function startPgbouncer(url: string): Promise<Pgbouncer> {
  ensurePackages('The tests behind PgBouncer', { pgbouncer: () => existsSync(program) });
  const { hostname, port, username } = new URL(url);
  const { owner } = findPostgres();
  const folder = mkdtempSync(join(tmpdir(), 'pharos-pgbouncer-'));
  const file = join(folder, 'pgbouncer.ini');
  const ownPort = await freePort();
  writeFileSync(
    file,
    `[databases]
* = host=${hostname} port=${port} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${ownPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
`,
  );
  if (owner) for (const path of [folder, file]) chownSync(path, owner.uid, owner.gid);
  const child = spawn(program, ['-q', file], { ...owner, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4_000)));
  const ended = once(child, 'exit');
  const urlOf = (database: string): string => {
    const through = new URL(database);
    through.host = `127.0.0.1:${ownPort}`;
    return through.href;
  };
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  await waitFor('PgBouncer to take connections', async () => {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended: ${said}`);
    return withClient(urlOf(url), (client) => client.query('SELECT 1')).catch(() => null);
  }).catch(async (error: unknown) => {
    if (child.exitCode === null) await stop();
    throw error;
  });
  return { urlOf, stop };
}
