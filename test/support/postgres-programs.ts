import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ensurePackages, isRoot } from './ensure-packages.ts';

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  /** Whom they run as, where the caller is root: PostgreSQL refuses to be. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/** Where Debian puts them. */
const versions = '/usr/lib/postgresql';
const oldestVersion = 15;

/** The machine's own; as root on Debian they are installed when they are missing. */
export function findPostgres(): PostgresPrograms {
  ensurePackages('The tests on PostgreSQL', { postgresql: () => folderOfPrograms() !== undefined });
  const folder = folderOfPrograms() ?? '';
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres'), owner: isRoot() ? owner() : undefined };
}

function folderOfPrograms(): string | undefined {
  const installed = existsSync(versions) ? readdirSync(versions).map(Number) : [];
  const newestFirst = installed.filter((version) => version >= oldestVersion).toSorted((one, other) => other - one);
  return [
    ...newestFirst.map((version) => join(versions, String(version), 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ].find((folder) => ['initdb', 'postgres'].every((program) => existsSync(join(folder, program))));
}

function owner(): { uid: number; gid: number } {
  for (const user of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((which) => idOf(which, user));
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody"');
}

function idOf(which: string, user: string): number | undefined {
  try {
    return Number(execFileSync('id', [which, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined; // No such user.
  }
}
