import { setTimeout as delay } from 'node:timers/promises';
import type { Customer } from './customer.ts';
import { chosenBy } from './seeded.ts';

const maxDevices = 250;
const users = Array.from({ length: 20 }, (_, index) => `user ${index}`);

/** Publishes, registers and reports without pause, chosen by the seed, until it is stopped. */
export function startTraffic(customer: Customer, seed: number): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let choices = 0;
  const choose = (bound: number): number => chosenBy(bound, seed, 'traffic', ++choices);
  const someUser = (): string => users[choose(users.length)] ?? '';

  async function publish(): Promise<void> {
    // Few, since each is as much work as some thirty others.
    const toAll = choose(60) === 0;
    const known = new Set(customer.devices.flatMap(({ user }) => user ?? []));
    const names = [someUser(), ...(choose(3) === 0 ? [someUser()] : [])].filter((name) => known.has(name));
    if (toAll || names.length > 0)
      await customer.publish(toAll ? null : [...new Set(names)], { webhook: choose(2) === 0 });
    await delay(10 + choose(60));
    await customer.serverIsUp();
  }

  async function register(): Promise<void> {
    if (customer.devices.length < maxDevices) await customer.registerDevice(choose(3) === 0 ? null : someUser());
    await delay(100 + choose(400));
  }

  const repeat = async (act: () => Promise<void>): Promise<void> => {
    while (!stopping.signal.aborted) await act();
  };
  customer.reportDeliveries(12);
  const working = Promise.all([repeat(publish), repeat(publish), repeat(register)]);
  return {
    async stop() {
      stopping.abort();
      await working;
      await customer.reportsAnswered();
    },
  };
}
