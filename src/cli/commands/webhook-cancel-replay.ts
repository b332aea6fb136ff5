import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';

export const webhookCancelReplay = (): Command =>
  runOnServer(
    clientCommand('cancel-replay', 'End a replay; what it has made due already is still sent.')
      .argument('<instance>', 'instance id')
      .argument('<replay>', 'replay id'),
    async (admin, [instance, replay]) => {
      const path = `/instances/${encodeURIComponent(String(instance))}/replays/${encodeURIComponent(String(replay))}`;
      await admin.call('DELETE', path);
      return { json: { canceled: replay }, text: `Canceled replay ${replay}.` };
    },
  );
