import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';

export const webhookRetireSecret = (): Command =>
  runOnServer(
    clientCommand('retire-secret', 'End the overlap of two secrets: the previous one signs no more.')
      .argument('<instance>', 'instance id')
      .argument('<webhook>', 'webhook id'),
    async (admin, [instance, webhook]) => {
      const path = `/instances/${encodeURIComponent(String(instance))}/webhooks/${encodeURIComponent(String(webhook))}`;
      await admin.call('DELETE', `${path}/previous-secret`);
      return { json: { retired: webhook }, text: `The previous secret of webhook ${webhook} signs no more.` };
    },
  );
