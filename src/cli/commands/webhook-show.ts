import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';
import type { ShownWebhook } from '../webhook-text.ts';
import { webhookText } from '../webhook-text.ts';

export const webhookShow = (): Command =>
  runOnServer(
    clientCommand('show', 'Show a webhook with its secret and its public key.')
      .argument('<instance>', 'instance id')
      .argument('<webhook>', 'webhook id'),
    async (admin, [instance, webhook]) => {
      const path = `/instances/${encodeURIComponent(String(instance))}/webhooks/${encodeURIComponent(String(webhook))}`;
      const shown = await admin.call<ShownWebhook>('GET', path);
      return { json: shown, text: webhookText(shown) };
    },
  );
