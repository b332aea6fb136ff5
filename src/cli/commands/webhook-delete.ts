import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import { runOnServer } from '../run-on-server.ts';

export const webhookDelete = (): Command =>
  runOnServer(
    new Command('delete')
      .description('Delete a webhook and what waits to be sent to it.')
      .argument('<instance>', 'instance id')
      .argument('<webhook>', 'webhook id'),
    async (admin, [instance, webhook]) => {
      const path = adminPath('instances', instance, 'webhooks', webhook);
      await admin.call('DELETE', path);
      return { json: { deleted: webhook }, text: `Deleted webhook ${webhook}.` };
    },
  );
