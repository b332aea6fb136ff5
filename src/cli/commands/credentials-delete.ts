import type { Command } from 'commander';
import { Argument } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';

export const credentialsDelete = (): Command =>
  runOnServer(
    clientCommand('delete', 'Forget credentials: nothing more is sent to the apps of the platform.')
      .argument('<instance>', 'instance id')
      .addArgument(new Argument('<platform>', 'whose').choices(['fcm', 'apns'])),
    async (admin, [id, platform]) => {
      await admin.call('DELETE', `/instances/${encodeURIComponent(String(id))}/credentials/${String(platform)}`);
      return { json: { deleted: platform }, text: `The ${platform} credentials are deleted.` };
    },
  );
