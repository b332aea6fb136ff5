import type { InstanceQueries } from '../ports/instance-store.ts';
import { OperatorProblem } from '../ports/operator-problem.ts';
import { CannotOpen } from '../ports/sealer.ts';
import type { Sealer } from '../ports/sealer.ts';
import { openInstance } from '../instances/sealed-records.ts';

/** Throws an `OperatorProblem` when what other nodes have sealed does not open with the keys of this one. */
export async function assertSealedWith(
  store: Pick<InstanceQueries, 'listInstances' | 'findInstance'>,
  sealer: Sealer,
  keyringFile: string,
): Promise<void> {
  const [known] = await store.listInstances();
  const record = known && (await store.findInstance(known.id));
  if (!record) return;
  try {
    openInstance(sealer, record);
  } catch (cause) {
    if (!(cause instanceof CannotOpen)) throw cause;
    const mend = `replace ${keyringFile} by the keyring of the other nodes, and keep it the same on all of them`;
    throw new OperatorProblem(`the database was sealed with other master keys (${cause.message}): ${mend}.`, { cause });
  }
}
