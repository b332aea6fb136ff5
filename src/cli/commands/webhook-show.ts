import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import { runOnServer } from '../run-on-server.ts';
import type { ShownWebhook } from '../webhook-text.ts';
import { webhookText } from '../webhook-text.ts';

export const webhookShow = (): Command =>
  runOnServer(
    new Command('show')
      .description('Show a webhook with its secret and its public key.')
      .argument('<instance>', 'instance id')
      .argument('<webhook>', 'webhook id'),
    async (admin, [instance, webhook]) => {
      const path = adminPath('instances', instance, 'webhooks', webhook);
      const shown = await admin.call<ShownWebhook>('GET', path);
      return { json: shown, text: webhookText(shown) };
    },
  );
