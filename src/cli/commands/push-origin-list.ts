import { Command } from 'commander';
import type { renderPushOrigin } from '../../wire/admin/push-origin-routes.ts';
import { formatTable } from '../format-text.ts';
import { runOnServer } from '../run-on-server.ts';

export const pushOriginList = (): Command =>
  runOnServer(
    new Command('list').description(
      'List the push services that have answered of late, and where removal is paused (braked).',
    ),
    async (admin) => {
      const json = await admin.call<{ pushOrigins: ReturnType<typeof renderPushOrigin>[] }>('GET', '/push-origins');
      return { json, text: formatTable(json.pushOrigins, 'No push service has answered yet.') };
    },
  );
