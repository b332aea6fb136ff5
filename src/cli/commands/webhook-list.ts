import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import { formatTable } from '../format-text.ts';
import { runOnServer } from '../run-on-server.ts';
import type { ListedWebhook } from '../webhook-text.ts';
import { withoutPassword } from '../webhook-text.ts';

export const webhookList = (): Command =>
  runOnServer(
    new Command('list')
      .description('List the webhooks of an instance, oldest first.')
      .argument('<instance>', 'instance id'),
    async (admin, [instance]) => {
      const path = adminPath('instances', instance, 'webhooks');
      const json = await admin.call<{ webhooks: ListedWebhook[] }>('GET', path);
      const rows = json.webhooks.map(({ id, url, format, events, disabledAt }) => ({
        'webhook id': id,
        target: withoutPassword(url),
        format,
        events,
        'disabled at': disabledAt,
      }));
      return { json, text: formatTable(rows, 'The instance has no webhooks.') };
    },
  );
