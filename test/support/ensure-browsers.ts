import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { executables } from './browser.ts';

/** Debian package → whether what the tests need of it is there. */
const requirements: Readonly<Record<string, () => boolean>> = {
  'firefox-esr': () => executables.firefox.some(existsSync),
  chromium: () => executables.chromium.some(existsSync),
  'dbus-daemon': () => spawnSync('dbus-daemon', ['--version']).status === 0,
  // Without it Firefox silently shows its notifications past D-Bus; firefox-esr does not depend on it.
  libnotify4: () => spawnSync('/sbin/ldconfig', ['-p']).stdout?.includes('libnotify.so.4') ?? false,
};

/** Installs what the browser suites need, as root on Debian; elsewhere it throws and names what is missing. */
export function ensureBrowsers(): void {
  const missing = missingPackages();
  if (missing.length > 0) install(missing);
  ensureNetworkInterface();
}

const missingPackages = (): string[] =>
  Object.entries(requirements).flatMap(([name, isThere]) => (isThere() ? [] : [name]));

function install(packages: readonly string[]): void {
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!isRoot() || spawnSync('apt-get', ['--version']).status !== 0)
    throw new Error(`The browser tests need: ${packages.join(', ')}. On Debian, as root: ${command}`);
  const options = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  execFileSync('apt-get', ['update', '-q'], options);
  execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], options);
  const stillMissing = missingPackages();
  if (stillMissing.length > 0) throw new Error(`"${command}" ran, but still missing: ${stillMissing.join(', ')}`);
}

/** Chromium believes itself offline, and never connects to a push service, with nothing but loopback. */
function ensureNetworkInterface(): void {
  const addresses = Object.values(networkInterfaces()).flat();
  if (addresses.some((address) => address && !address.internal)) return;
  const commands = [
    'ip link add pharos-test0 type veth peer name pharos-test1',
    'ip address add 198.18.0.1/30 dev pharos-test0',
    'ip link set pharos-test0 up',
    'ip link set pharos-test1 up',
  ];
  const works = isRoot() && commands.every((command) => spawnSync(command, { shell: true }).status === 0);
  if (!works) throw new Error(`Chromium needs a network interface besides loopback. As root: ${commands.join(' && ')}`);
}

const isRoot = (): boolean => process.getuid?.() === 0;
