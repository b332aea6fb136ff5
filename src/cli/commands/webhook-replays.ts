import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import type { ShownReplay } from '../replay-text.ts';
import { replayTable } from '../replay-text.ts';
import { runOnServer } from '../run-on-server.ts';

export const webhookReplays = (): Command =>
  runOnServer(
    new Command('replays').description('Show how far replays are, newest first.').argument('<instance>', 'instance id'),
    async (admin, [instance]) => {
      const path = adminPath('instances', instance, 'replays');
      const json = await admin.call<{ replays: ShownReplay[] }>('GET', path);
      return { json, text: replayTable(json.replays) };
    },
  );
