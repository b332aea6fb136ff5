import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensurePackages } from '../support/ensure-packages.ts';
import type { Launch } from '../support/pharos-process.ts';
import { createCustomer } from './customer.ts';
import type { FaultServer } from './fault-server.ts';
import { interposer, startFaultServer } from './fault-server.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { traceRequirements } from './trace.ts';

let server: FaultServer;
beforeAll(async () => {
  ensurePackages('The tests of syncing', traceRequirements);
  server = await startFaultServer(0, { storedIn: 'sqlite' });
}, 300_000);
afterAll(() => server.close());

/** strace delivers the signal at the n-th of these system calls of a first start. */
const atCall = (calls: string, nth: number): Launch => ({
  prefix: ['strace', '-D', '-f', '-q', '-o', '/dev/null', '-e', `inject=${calls}:signal=SIGKILL:when=${nth}`],
});
const atCommit = (when: 'before' | 'after'): Launch => ({
  nodeOptions: interposer('kill-at-commit', { table: 'migrations', when }),
});

test.each<[string, Launch]>([
  ['before the commit of a migration', atCommit('before')],
  ['after the commit of a migration', atCommit('after')],
  ['at a write of the table of migrations', atCall('pwrite64', 16)],
  ['at a write of a migration', atCall('pwrite64', 60)],
  ['at a sync of a migration', atCall('fsync,fdatasync', 8)],
])('killed %s', async (_name, launch) => {
  await server.pharos.kill();
  for (const file of readdirSync(server.pharos.dataDir))
    if (file.startsWith('pharos.db')) rmSync(join(server.pharos.dataDir, file));
  await expect(server.pharos.start(launch)).rejects.toThrow('the server ended with SIGKILL');
  await server.restartAfterKill();
  const customer = await createCustomer(server, 0);
  await customer.registerDevice('anna');
  await customer.publish(['anna'], { webhook: true });
  await waitUntilIdle(server);
  expect((await readLedger(server, customer)).problems).toEqual([]);
});
