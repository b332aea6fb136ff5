import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import { runOnServer } from '../run-on-server.ts';

export const webhookCancelReplay = (): Command =>
  runOnServer(
    new Command('cancel-replay')
      .description('End a replay; what it has made due already is still sent.')
      .argument('<instance>', 'instance id')
      .argument('<replay>', 'replay id'),
    async (admin, [instance, replay]) => {
      const path = adminPath('instances', instance, 'replays', replay);
      await admin.call('DELETE', path);
      return { json: { canceled: replay }, text: `Canceled replay ${replay}.` };
    },
  );
