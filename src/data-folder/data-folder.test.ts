import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { FolderInUse, lockFolder } from './folder-lock.ts';
import { ensureFolder, ensureSecretFile, readSecretFile, writeSecretFile } from './secret-file.ts';

const folders: string[] = [];
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pharos-data-folder-'));
  folders.push(folder);
  return folder;
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Another process that holds the lock until it is killed. */
async function startHolder(folder: string) {
  const lockModule = new URL('folder-lock.ts', import.meta.url).href;
  const script = `import { lockFolder } from ${JSON.stringify(lockModule)};
    lockFolder(${JSON.stringify(folder)}); setInterval(() => {}, 1e6);
    // A lock that only its caller kept alive would be collected here.
    setImmediate(() => { globalThis.gc(); console.log('locked'); });`;
  const holder = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  return holder;
}

describe('lock on the data folder', () => {
  it('names the process that holds it, and ends with that process, however it dies', async () => {
    const folder = temporaryFolder();
    const holder = await startHolder(folder);
    expect(() => lockFolder(folder)).toThrow(FolderInUse);
    expect(() => lockFolder(folder)).toThrow(`process ${holder.pid}`);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    lockFolder(folder).release();
  });

  it('holds within a process too, until it is released', () => {
    const folder = temporaryFolder();
    const lock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(`process ${process.pid}`);
    lock.release();
    expect(existsSync(join(folder, 'pharos.pid'))).toBe(false);
    lockFolder(folder).release();
  });
});

describe('secret files', () => {
  it('are made once, for their owner only, with nothing left beside them', () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    ensureFolder(folder);
    const path = join(folder, 'key');
    expect(ensureSecretFile(path, () => 'text')).toEqual({ text: 'text', created: true, exposed: false });
    expect(ensureSecretFile(path, () => 'other')).toEqual({ text: 'text', created: false, exposed: false });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder)).toEqual(['key']);
  });

  it('are never overwritten', () => {
    const path = join(temporaryFolder(), 'key');
    writeFileSync(path, 'precious');
    expect(() => writeSecretFile(path, 'other')).toThrow('EEXIST');
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  it('that others can read are reported', () => {
    const path = join(temporaryFolder(), 'key');
    writeFileSync(path, 'text');
    chmodSync(path, 0o640);
    expect(readSecretFile(path)).toEqual({ text: 'text', created: false, exposed: true });
    expect(readSecretFile(`${path}-missing`)).toBeNull();
  });
});
