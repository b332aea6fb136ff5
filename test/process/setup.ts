import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listeningOn, runPharos } from './serve-process.ts';

/**
 * Once before the tests: Node keeps what it compiled only when it ends in order, and most servers of tests are killed.
 * And this one starts without any help for the tests, such as vitest.config.ts gives.
 */
export async function setup(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pharos-test-'));
  const server = runPharos(folder, ['serve'], { PHAROS_PORT: '0', NODE_OPTIONS: '' });
  await listeningOn(server);
  server.child.kill('SIGTERM');
  await server.ended;
  rmSync(folder, { recursive: true });
}
