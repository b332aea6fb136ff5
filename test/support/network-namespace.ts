import { execFileSync, spawnSync } from 'node:child_process';
import { ensurePackages } from './ensure-packages.ts';

/** A network of its own for one program, reached over wires that can be pulled out. */
export interface NetworkNamespace {
  /** Words before a program that is to run in it. */
  readonly prefix: readonly string[];
  /** Addresses of the program, one a wire. */
  readonly addresses: readonly string[];
  /** Nothing passes over the wire of that number, from 0, and nobody is told. */
  pull(wire: number): void;
  plug(wire: number): void;
  remove(): void;
}

/** Needs root; installs iproute2 where it is missing. */
export function createNetworkNamespace(wires: number): NetworkNamespace {
  ensurePackages('Tests of a partition', { iproute2: () => spawnSync('ip', ['-V']).status === 0 });
  const name = `pharos-${process.pid}`;
  const ip = (...words: readonly string[]): void =>
    void execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  ip('netns', 'add', name);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  const link = (wire: number): string => `ph${process.pid % 100_000}-${wire}`;
  // 10.203.0.0/16 in networks of four addresses, after the process: two runs on one machine do not meet.
  const network = (wire: number): string =>
    `10.203.${(process.pid + wire * 128) % 256}.${4 * ((process.pid >> 8) % 63)}`;
  const address = (wire: number, host: number): string =>
    network(wire).replace(/\d+$/, (last) => String(Number(last) + host));
  const addresses = Array.from({ length: wires }, (_, wire) => {
    ip('link', 'add', link(wire), 'type', 'veth', 'peer', 'name', `in${wire}`, 'netns', name);
    ip('address', 'add', `${address(wire, 1)}/30`, 'dev', link(wire));
    ip('link', 'set', link(wire), 'up');
    ip('-n', name, 'address', 'add', `${address(wire, 2)}/30`, 'dev', `in${wire}`);
    ip('-n', name, 'link', 'set', `in${wire}`, 'up');
    return address(wire, 2);
  });
  return {
    prefix: ['ip', 'netns', 'exec', name],
    addresses,
    // The inner end: the outer one's routes stay, so that who sends waits in vain instead of hearing that there is no way.
    pull: (wire) => ip('-n', name, 'link', 'set', `in${wire}`, 'down'),
    plug: (wire) => ip('-n', name, 'link', 'set', `in${wire}`, 'up'),
    remove: () => ip('netns', 'delete', name),
  };
}
