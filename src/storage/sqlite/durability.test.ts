import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from './open-sqlite-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

const script = fileURLToPath(new URL('../testsuite/accept-until-killed.ts', import.meta.url));

/** The process that accepts publishes for ever, and what it said so far. */
async function startAccepting(maxFileKiB: number | 'unlimited' = 'unlimited') {
  const folder = await mkdtemp(path.join(tmpdir(), 'pharos-durability-'));
  const file = path.join(folder, 'pharos.db');
  const instanceId = randomUUID();
  const command = `ulimit -Sf ${maxFileKiB}; exec "$0" "$@"`;
  const child = spawn('bash', ['-c', command, process.execPath, script, file, instanceId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true });
  });
  const said = { accepted: [] as string[], unavailable: [] as string[] };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [answer, publishId] = line.split(' ');
    if (publishId && (answer === 'accepted' || answer === 'unavailable')) said[answer].push(publishId);
  });
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return { file, instanceId, pid: child.pid, said, kill };
}

const patient = { interval: 20 };

test('what was answered is there after the process was killed in the middle of writing', async () => {
  const { file, instanceId, said, kill } = await startAccepting();
  await expect.poll(() => said.accepted.length, patient).toBeGreaterThan(200);
  await kill();
  const store = await openSqliteStore({ sealer: testSealer, file });
  onTestFinished(() => store.close());
  for (const publishId of said.accepted) {
    expect(await store.summarizePublish({ instanceId, publishId })).not.toBeNull();
  }
  expect((await store.listMessages({ instanceId, limit: 10 })).messages).not.toHaveLength(0);
  await expect(store.check()).resolves.toBeUndefined();
});

// `prlimit` changes the limit of a process that runs; only Linux has it.
test.runIf(process.platform === 'linux')(
  'a disk that takes no more is answered as unavailable, and accepting goes on once it does',
  async () => {
    const { file, instanceId, pid, said, kill } = await startAccepting(2_000);
    await expect.poll(() => said.unavailable.length, patient).toBeGreaterThan(20);
    const before = said.accepted.length;
    execFileSync('prlimit', ['--pid', String(pid), '--fsize=unlimited:unlimited']);
    await expect.poll(() => said.accepted.length, patient).toBeGreaterThan(before + 200);
    await kill();
    const store = await openSqliteStore({ sealer: testSealer, file });
    onTestFinished(() => store.close());
    const exists = async (publishId: string) => (await store.summarizePublish({ instanceId, publishId })) !== null;
    for (const publishId of said.accepted) expect(await exists(publishId)).toBe(true);
    for (const publishId of said.unavailable) expect(await exists(publishId)).toBe(false);
  },
);
