import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import type { ShownInstance } from '../instance-text.ts';
import { instanceText } from '../instance-text.ts';
import { runOnServer } from '../run-on-server.ts';

export const instanceShow = (): Command =>
  runOnServer(
    new Command('show').description('Show an instance, its secret key included.').argument('<instance>', 'instance id'),
    async (admin, [id]) => {
      const instance = await admin.call<ShownInstance>('GET', adminPath('instances', id));
      return { json: instance, text: instanceText(instance) };
    },
  );
