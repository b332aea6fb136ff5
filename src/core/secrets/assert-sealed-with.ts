import type { InstanceQueries } from '../ports/instance-store.ts';
import { OperatorProblem } from '../ports/operator-problem.ts';
import { CannotOpen } from '../ports/sealer.ts';
import type { Sealer } from '../ports/sealer.ts';
import { eachInstance } from '../instances/each-instance.ts';
import { openInstance } from '../instances/sealed-records.ts';

/**
 * Throws an `OperatorProblem` when no instance opens: the keyring is another database's. When some do, only a key is missing,
 * and the server goes on without what that has sealed.
 */
export async function assertSealedWith(
  store: Pick<InstanceQueries, 'listInstances'>,
  sealer: Sealer,
  keyringFile: string,
): Promise<void> {
  let failure: CannotOpen | null = null;
  for await (const record of eachInstance(store)) {
    try {
      openInstance(sealer, record);
      return;
    } catch (cause) {
      if (!(cause instanceof CannotOpen)) throw cause;
      failure ??= cause;
    }
  }
  if (!failure) return;
  const mend = `put the keyring that belongs to it into ${keyringFile}; all nodes of a database need the same`;
  throw new OperatorProblem(`the database was sealed with other master keys (${failure.message}): ${mend}.`, {
    cause: failure,
  });
}
