import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';
import { formatTable } from '../format-text.ts';
import type { ListedInstance } from '../instance-text.ts';

export const instanceList = (): Command =>
  runOnServer(clientCommand('list', 'List the instances, oldest first.'), async (admin) => {
    const json = await admin.call<{ instances: ListedInstance[] }>('GET', '/instances');
    const rows = json.instances.map(({ id, name, createdAt }) => ({
      'instance id': id,
      name,
      'created at': createdAt,
    }));
    return { json, text: formatTable(rows, 'There are no instances.') };
  });
