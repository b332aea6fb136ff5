import { waitFor } from '../support/wait-for.ts';
import type { Customer } from './customer.ts';
import type { FaultServer } from './fault-server.ts';
import { interposer } from './fault-server.ts';

/** A named place in the code at which the server dies. */
export interface CrashPoint {
  readonly name: string;
  /** Node options of the process that will die. */
  readonly nodeOptions?: readonly string[];
  /** Makes the server get there; may wait for answers of the next process. */
  readonly provoke: (server: FaultServer, customer: Customer) => Promise<unknown>;
}

const atCommit = (when: 'before' | 'after', table: string): Pick<CrashPoint, 'nodeOptions'> => ({
  nodeOptions: interposer('kill-at-commit', { table, when }),
});

const publishToUsers: CrashPoint['provoke'] = (_server, customer) =>
  customer.publish(['anna', 'ben'], { webhook: true });
const publishToAll: CrashPoint['provoke'] = (_server, customer) => customer.publish(null, { webhook: true });

const register: CrashPoint['provoke'] = async (_server, customer) => {
  await customer.registerDevice('carla');
  await customer.publish(['carla']);
};

const report: CrashPoint['provoke'] = async (server, customer) => {
  // They were registered at once: any may be the first. Nobody else's report would be told.
  const device = customer.devices.find(({ user }) => user === 'anna');
  if (!device) throw new Error('nobody to report');
  const publishId = await waitFor('a publish to report', async () => (await customer.publish(['anna'])).publishId);
  await waitFor('the push', () => server.pushService.deliveries.some((delivery) => delivery.publishId === publishId));
  await customer.report(publishId, device, 'open');
};

/** The n-th push of a publish to everybody strikes the server. */
const strikeAtPush = (nth: number): CrashPoint['provoke'] => {
  return async ({ pharos, pushService }, customer) => {
    let pushes = 0;
    const watch = () => {
      pushes += 1;
      if (pushes !== nth) return;
      pushService.watchers.delete(watch);
      pharos.strike();
    };
    pushService.watchers.add(watch);
    await customer.publish(null);
  };
};

/** The first POST that is (to be) answered so strikes the server. */
const strikeAtPost = (isTheOne: (status: number) => boolean): CrashPoint['provoke'] => {
  return async ({ pharos, targets }, customer) => {
    const watch = ({ status }: { readonly status: number }) => {
      if (!isTheOne(status)) return;
      targets.watchers.delete(watch);
      pharos.strike();
    };
    targets.watchers.add(watch);
    await Promise.all(['anna', 'ben', 'anna', 'ben'].map((user) => customer.publish([user], { webhook: true })));
  };
};

/** What was sealed before must be readable afterwards, whichever key it has by then. */
const rotateMasterKey: CrashPoint['provoke'] = async ({ pharos }, customer) => {
  await customer.publish(['anna'], { webhook: true });
  await pharos.admin('POST', '/master-keys').catch(() => null); // killed before or after its answer
};

/** All points; a new kind of work that the server does adds its own. */
export const crashPoints: readonly CrashPoint[] = [
  { name: 'before the commit of a publish', ...atCommit('before', 'publishes'), provoke: publishToUsers },
  {
    name: 'after the commit of a publish, before its answer',
    ...atCommit('after', 'publishes'),
    provoke: publishToUsers,
  },
  { name: 'before the commit of a registration', ...atCommit('before', 'devices'), provoke: register },
  { name: 'after the commit of a registration, before its answer', ...atCommit('after', 'devices'), provoke: register },
  { name: 'before the commit of a report', ...atCommit('before', 'reports'), provoke: report },
  { name: 'after the commit of a report, before its answer', ...atCommit('after', 'reports'), provoke: report },
  { name: 'in the middle of the first page', provoke: strikeAtPush(37) },
  { name: 'in the middle of the second page', provoke: strikeAtPush(120) },
  {
    name: 'after the pushes of a page, before their record',
    ...atCommit('before', 'publish_outcomes'),
    provoke: publishToAll,
  },
  { name: 'after the record of a page', ...atCommit('after', 'publish_outcomes'), provoke: publishToAll },
  {
    name: 'before the record of deferred deliveries',
    ...atCommit('before', 'deferred_deliveries'),
    provoke: publishToAll,
  },
  {
    name: 'after the record of deferred deliveries',
    ...atCommit('after', 'deferred_deliveries'),
    provoke: publishToAll,
  },
  { name: 'before the commit of the closing messages', ...atCommit('before', 'events'), provoke: publishToUsers },
  { name: 'during a POST of a webhook that is refused', provoke: strikeAtPost((status) => status !== 200) },
  { name: 'during a POST of a webhook that is answered 2xx', provoke: strikeAtPost((status) => status === 200) },
  {
    name: 'after a POST of a webhook, before its completion',
    ...atCommit('before', 'attempts'),
    provoke: publishToUsers,
  },
  { name: 'after the completion of a webhook', ...atCommit('after', 'attempts'), provoke: publishToUsers },
  {
    name: 'before a step of the rotation of the master key',
    ...atCommit('before', 'instances'),
    provoke: rotateMasterKey,
  },
  {
    name: 'after a step of the rotation of the master key',
    ...atCommit('after', 'webhooks'),
    provoke: rotateMasterKey,
  },
];
