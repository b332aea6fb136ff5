import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';
import type { ShownInstance } from '../instance-text.ts';
import { instanceText } from '../instance-text.ts';

export const instanceShow = (): Command =>
  runOnServer(
    clientCommand('show', 'Show an instance, its secret key included.').argument('<instance>', 'instance id'),
    async (admin, [id]) => {
      const instance = await admin.call<ShownInstance>('GET', `/instances/${encodeURIComponent(String(id))}`);
      return { json: instance, text: instanceText(instance) };
    },
  );
