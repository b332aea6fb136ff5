import { Command } from 'commander';
import { runOnServer } from '../run-on-server.ts';

export const pushOriginResume = (): Command =>
  runOnServer(
    new Command('resume')
      .description('Remove devices again that a push service calls gone, for a day whatever their number.')
      .argument('<origin>', 'as listed, like https://push.example.com'),
    async (admin, [origin]) => {
      const json = await admin.call('POST', '/push-origins/resume', { origin });
      return { json, text: `Devices of ${origin} are removed again when it calls them gone.` };
    },
  );
