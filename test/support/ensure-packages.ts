import { execFileSync, spawnSync } from 'node:child_process';

/** Debian package → whether what the tests need of it is there. */
export type PackageRequirements = Readonly<Record<string, () => boolean>>;

/** Installs what is missing, as root on Debian; elsewhere it throws and names it. `who` begins the message. */
export function ensurePackages(who: string, requirements: PackageRequirements): void {
  const missing = missingOf(requirements);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (!isRoot() || spawnSync('apt-get', ['--version']).status !== 0)
    throw new Error(`${who} need: ${missing.join(', ')}. On Debian, as root: ${command}`);
  const options = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  // Several suites may do so at once, and apt does not wait for itself.
  const alone = (...words: readonly string[]) => execFileSync('flock', ['/run/lock/pharos-test', ...words], options);
  alone('apt-get', 'update', '-q');
  alone('apt-get', 'install', '-y', '-q', '--no-install-recommends', ...missing);
  const stillMissing = missingOf(requirements);
  if (stillMissing.length > 0) throw new Error(`"${command}" ran, but still missing: ${stillMissing.join(', ')}`);
}

const missingOf = (requirements: PackageRequirements): string[] =>
  Object.entries(requirements).flatMap(([name, isThere]) => (isThere() ? [] : [name]));

export const isRoot = (): boolean => process.getuid?.() === 0;
