import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import { runOnServer } from '../run-on-server.ts';

export const webhookRetireSecret = (): Command =>
  runOnServer(
    new Command('retire-secret')
      .description('End the overlap of two secrets: the previous one signs no more.')
      .argument('<instance>', 'instance id')
      .argument('<webhook>', 'webhook id'),
    async (admin, [instance, webhook]) => {
      const path = adminPath('instances', instance, 'webhooks', webhook, 'previous-secret');
      await admin.call('DELETE', path);
      return { json: { retired: webhook }, text: `The previous secret of webhook ${webhook} signs no more.` };
    },
  );
