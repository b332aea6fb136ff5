import { Argument, Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import { runOnServer } from '../run-on-server.ts';

export const credentialsDelete = (): Command =>
  runOnServer(
    new Command('delete')
      .description('Forget credentials: nothing more is sent to the apps of the platform.')
      .argument('<instance>', 'instance id')
      .addArgument(new Argument('<platform>', 'whose').choices(['fcm', 'apns'])),
    async (admin, [id, platform]) => {
      await admin.call('DELETE', adminPath('instances', id, 'credentials', platform));
      return { json: { deleted: platform }, text: `The ${platform} credentials are deleted.` };
    },
  );
