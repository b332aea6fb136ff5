import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from './wait-for.ts';

export interface PharosServer {
  readonly origin: string;
  readonly port: number;
  readonly dataDir: string;
  readonly pid: number;
  /** Calls the admin API; answers the body. */
  admin(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Ends the server gracefully and removes its data folder. */
  stop(): Promise<void>;
}

/** Runs `pharos serve` as anyone would, on a fresh data folder, with the settings that loopback needs. */
export async function startPharosServer(options: {
  readonly pushHost: string;
  /** PEM of the authority that the local push service's certificate comes from. */
  readonly authorityCertificate: string;
  /** Further settings. */
  readonly env?: Readonly<Record<string, string>>;
}): Promise<PharosServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pharos-server-'));
  const dataDir = join(folder, 'data');
  const certificateFile = join(folder, 'authority.pem');
  writeFileSync(certificateFile, options.authorityCertificate);
  const port = await freePort();
  const server = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/pharos.ts'), 'serve'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      NODE_EXTRA_CA_CERTS: certificateFile,
      PHAROS_HOST: '127.0.0.1',
      PHAROS_PORT: String(port),
      PHAROS_DATA_DIR: dataDir,
      PHAROS_PUSH_ENDPOINT_HOSTS: options.pushHost,
      PHAROS_ALLOW_NETWORKS: '127.0.0.0/8,::1/128',
      PHAROS_ALLOW_HTTP_WEBHOOKS: 'true',
      ...options.env,
    },
  });
  let output = '';
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const origin = `http://127.0.0.1:${port}`;
  await waitFor('the server to be ready', async () => {
    if (server.exitCode !== null) throw new Error(`the server ended with code ${server.exitCode}:\n${output}`);
    return fetch(`${origin}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
  });
  const adminToken = readFileSync(join(dataDir, 'admin-token'), 'utf8').trim();
  return {
    origin,
    port,
    dataDir,
    pid: server.pid as number,
    async admin(method, path, body) {
      const response = await fetch(`${origin}/admin/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} /admin/v1${path} answered ${response.status}: ${text}`);
      return JSON.parse(text) as Record<string, unknown>;
    },
    async stop() {
      server.kill('SIGTERM');
      if (server.exitCode === null) await once(server, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
