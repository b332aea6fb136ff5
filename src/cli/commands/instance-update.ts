import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';
import type { ShownInstance } from '../instance-text.ts';
import { instanceText } from '../instance-text.ts';
import { splitList } from '../structured-options.ts';

export const instanceUpdate = (): Command =>
  runOnServer(
    clientCommand('update', 'Change an instance; what is not named stays as it is.')
      .argument('<instance>', 'instance id')
      .option('--name <name>', 'what people call it')
      .option('--allowed-origins <origins>', 'origins whose pages may use it, separated by commas, or "any"'),
    async (admin, [id], { name, allowedOrigins }: { name?: string; allowedOrigins?: string }) => {
      const instance = await admin.call<ShownInstance>('PATCH', `/instances/${encodeURIComponent(String(id))}`, {
        ...(name !== undefined && { name }),
        ...(allowedOrigins !== undefined && {
          allowedOrigins: allowedOrigins === 'any' ? null : splitList(allowedOrigins),
        }),
      });
      return { json: instance, text: instanceText(instance) };
    },
  );
