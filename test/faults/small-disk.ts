import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PharosProcess } from '../support/pharos-process.ts';

/** A place for a data folder that can be filled up, and emptied again. */
export interface SmallDisk {
  readonly folder: string;
  /** In words, for the name of what was tested. */
  readonly kind: string;
  fill(pharos: PharosProcess): void;
  free(pharos: PharosProcess): void;
  remove(): void;
}

/** A file system of its own where the test may mount one; elsewhere a limit on the size of the server's files. */
export function makeSmallDisk(megabytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'pharos-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]).status === 0;
  return mounted ? mountedDisk(folder, megabytes) : fileSizeLimit(folder);
}

function mountedDisk(folder: string, megabytes: number): SmallDisk {
  const filler = join(folder, 'filler');
  return {
    folder,
    kind: `a file system of ${megabytes} MB`,
    fill() {
      for (const bytes of [65_536, 4_096]) {
        try {
          for (;;) appendFileSync(filler, Buffer.alloc(bytes));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
    },
    free: () => rmSync(filler),
    remove() {
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true });
    },
  };
}

function fileSizeLimit(folder: string): SmallDisk {
  const limit = ({ pid }: PharosProcess, bytes: string) =>
    execFileSync('prlimit', ['--pid', String(pid()), `--fsize=${bytes}:unlimited`]);
  return {
    folder,
    kind: 'a limit on the size of files, because no file system may be mounted here',
    fill(pharos) {
      const sizes = readdirSync(pharos.dataDir).map((file) => statSync(join(pharos.dataDir, file)).size);
      limit(pharos, String(Math.max(...sizes)));
    },
    free: (pharos) => limit(pharos, 'unlimited'),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
