import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';
import type { ShownReplay } from '../replay-text.ts';
import { replayTable } from '../replay-text.ts';

export const webhookReplays = (): Command =>
  runOnServer(
    clientCommand('replays', 'Show how far replays are, newest first.').argument('<instance>', 'instance id'),
    async (admin, [instance]) => {
      const path = `/instances/${encodeURIComponent(String(instance))}/replays`;
      const json = await admin.call<{ replays: ShownReplay[] }>('GET', path);
      return { json, text: replayTable(json.replays) };
    },
  );
