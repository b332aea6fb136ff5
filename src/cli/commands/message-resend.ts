import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import { runOnServer } from '../run-on-server.ts';

export const messageResend = (): Command =>
  runOnServer(
    new Command('resend')
      .description('Send a message now, whatever became of it; its retries follow when that fails.')
      .argument('<instance>', 'instance id')
      .argument('<message>', 'message id'),
    async (admin, [instance, message]) => {
      const json = await admin.call('POST', adminPath('instances', instance, 'messages', message, 'resend'));
      return { json, text: `Message ${message} is due now.` };
    },
  );
