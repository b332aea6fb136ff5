import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';

export const webhookDelete = (): Command =>
  runOnServer(
    clientCommand('delete', 'Delete a webhook and what waits to be sent to it.')
      .argument('<instance>', 'instance id')
      .argument('<webhook>', 'webhook id'),
    async (admin, [instance, webhook]) => {
      const path = `/instances/${encodeURIComponent(String(instance))}/webhooks/${encodeURIComponent(String(webhook))}`;
      await admin.call('DELETE', path);
      return { json: { deleted: webhook }, text: `Deleted webhook ${webhook}.` };
    },
  );
