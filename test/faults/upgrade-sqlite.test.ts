import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { lastRelease, unpackServer } from '../support/server-package.ts';
import { waitFor } from '../support/wait-for.ts';
import { createCustomer } from './customer.ts';
import { interposer, startFaultServer } from './fault-server.ts';
import { readLedger, waitUntilIdle } from './ledger.ts';
import { readSeed } from './seeded.ts';
import { startTraffic } from './traffic.ts';

const sources = join(import.meta.dirname, '../../src');
const migrations = 'storage/migrations/sqlite';

/** A package that is the sources, as far as starting it goes. */
function packageOfSources(folder: string): string {
  for (const module of ['main', 'config/server-settings']) {
    const file = join(folder, 'lib', `${module}.js`);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, `export * from '${pathToFileURL(join(sources, `${module}.ts`)).href}';\n`);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  return folder;
}

test('the data folder of the last release is served, although that was killed at work and the first start in a migration', async () => {
  const seed = readSeed();
  console.log(`FAULT_SEED=${seed}, from ${lastRelease().version}`);
  const folder = mkdtempSync(join(tmpdir(), 'pharos-upgrade-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const released = unpackServer(lastRelease().tarball, join(folder, 'released'));
  const installed = join(folder, 'installed');
  symlinkSync(released, installed);
  const server = await startFaultServer(seed, { installed, storedIn: 'sqlite' });
  onTestFinished(() => server.close());
  const { pharos, targets } = server;
  const customer = await createCustomer(server, seed);
  await Promise.all(Array.from({ length: 20 }, (_, index) => customer.registerDevice(`user ${index}`)));
  const traffic = startTraffic(customer, seed);
  const goOn = async (what: string): Promise<void> => {
    const counts = () => [customer.publishes.length, customer.reports.length, targets.requests.length];
    const goals = counts().map((count) => count + 10);
    await waitFor(what, () => counts().every((count, index) => count >= (goals[index] ?? 0)));
  };
  await goOn('the release to work');

  await pharos.kill();
  await server.noteEnd();
  rmSync(installed);
  symlinkSync(packageOfSources(join(folder, 'present')), installed);
  const isChanged =
    readdirSync(join(sources, migrations)).length > readdirSync(join(released, 'lib', migrations)).length;
  const killing = { nodeOptions: interposer('kill-at-commit', { table: 'migrations', when: 'before' }) };
  const startedWhole = await pharos.start(killing).then(
    () => true,
    () => false,
  );
  expect(startedWhole).toBe(!isChanged);
  pharos.strike();
  expect(await pharos.ended()).toBe('SIGKILL');
  await server.noteEnd();
  await pharos.start();
  await goOn('what replaces it to work');
  await traffic.stop();
  await waitUntilIdle(server);
  const { problems, figures } = await readLedger(server, customer);
  expect(problems).toEqual([]);
  expect(figures['messages']).toBeGreaterThan(0);
});
