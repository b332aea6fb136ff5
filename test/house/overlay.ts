import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../', import.meta.url));

/** A folder outside the checkout with the named parts of it, in which files can be planted. */
export interface Overlay {
  readonly path: string;
  /** Writes files by their path in the overlay. */
  plant(files: ReadonlyMap<string, string>): Promise<void>;
  remove(): Promise<void>;
}

export async function makeOverlay(parts: readonly string[]): Promise<Overlay> {
  const path = await mkdtemp(join(tmpdir(), 'pharos-house-'));
  for (const part of parts) await cp(join(repository, part), join(path, part), { recursive: true });
  await symlink(join(repository, 'node_modules'), join(path, 'node_modules'));
  return {
    path,
    plant: async (files) => {
      for (const [name, text] of files) {
        await mkdir(dirname(join(path, name)), { recursive: true });
        await writeFile(join(path, name), text);
      }
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

export interface ToolOutput {
  readonly exitCode: number;
  readonly stdout: string;
  /** And what it wrote to its standard error. */
  readonly output: string;
}

/** Runs an installed tool in a folder with the Node that runs the test. Never rejects for the tool's exit code. */
export function runTool(cwd: string, script: string, args: readonly string[]): Promise<ToolOutput> {
  return new Promise((resolve, reject) => {
    const command = [join(repository, 'node_modules', script), ...args];
    execFile(process.execPath, command, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ exitCode: Number(error?.code ?? 0), stdout, output: stdout + stderr });
    });
  });
}
