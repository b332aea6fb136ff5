import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { executables } from './browser.ts';
import type { PackageRequirements } from './ensure-packages.ts';
import { ensurePackages, isRoot } from './ensure-packages.ts';

const requirements: PackageRequirements = {
  'firefox-esr': () => executables.firefox.some(existsSync),
  chromium: () => executables.chromium.some(existsSync),
  'dbus-daemon': () => spawnSync('dbus-daemon', ['--version']).status === 0,
  // Without it Firefox silently shows its notifications past D-Bus; firefox-esr does not depend on it.
  libnotify4: () => spawnSync('/sbin/ldconfig', ['-p']).stdout?.includes('libnotify.so.4') ?? false,
};

/** Installs what the browser suites need, as root on Debian; elsewhere it throws and names what is missing. */
export function ensureBrowsers(): void {
  ensurePackages('The browser tests', requirements);
  ensureNetworkInterface();
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
