import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';
import { messagePath } from '../message-path.ts';

export const messageResend = (): Command =>
  runOnServer(
    clientCommand('resend', 'Send a message now, whatever became of it; its retries follow when that fails.')
      .argument('<instance>', 'instance id')
      .argument('<message>', 'message id'),
    async (admin, [instance, message]) => {
      const json = await admin.call('POST', `${messagePath(instance, message)}/resend`);
      return { json, text: `Message ${message} is due now.` };
    },
  );
