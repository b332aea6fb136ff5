import { Command } from 'commander';
import { formatTable } from '../format-text.ts';
import type { ListedInstance } from '../instance-text.ts';
import { runOnServer } from '../run-on-server.ts';

interface Page {
  readonly instances: readonly ListedInstance[];
  /** A server of 0.1.0 answers all at once, and has none. */
  readonly next?: string | null;
}

export const instanceList = (): Command =>
  runOnServer(new Command('list').description('List the instances, oldest first.'), async (admin) => {
    const instances: ListedInstance[] = [];
    for (let query: string | null = ''; query !== null;) {
      const page: Page = await admin.call('GET', `/instances${query}`);
      instances.push(...page.instances);
      query = page.next ? `?after=${page.next}` : null;
    }
    const rows = instances.map(({ id, name, createdAt }) => ({
      'instance id': id,
      name,
      'created at': createdAt,
    }));
    return { json: { instances }, text: formatTable(rows, 'There are no instances.') };
  });
