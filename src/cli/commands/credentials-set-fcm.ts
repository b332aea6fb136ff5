import { Command } from 'commander';
import type { ShownCredentials } from '../../wire/admin/credentials-routes.ts';
import { adminPath } from '../admin-path.ts';
import { credentialsText } from '../credentials-text.ts';
import { runOnServer } from '../run-on-server.ts';
import { readSecretOption } from '../secret-option.ts';
import { parseJsonOption } from '../structured-options.ts';

export const credentialsSetFcm = (): Command =>
  runOnServer(
    new Command('set-fcm')
      .description('Send to Android apps of a Firebase project.')
      .argument('<instance>', 'instance id')
      .requiredOption('--service-account-file <file>', "key file of a service account, from Firebase's console")
      .option('--no-check', 'do not ask Google first whether it takes the account')
      .addHelpText(
        'after',
        `
In Firebase's console: Project settings, Service accounts, Generate new private key. The account needs the permission
cloudmessaging.messages.create. Those that were set before are replaced.`,
      ),
    async (admin, [id], { serviceAccountFile, check }: { serviceAccountFile?: string; check?: boolean }) => {
      const credentials = await admin.call<ShownCredentials>('PUT', adminPath('instances', id, 'credentials', 'fcm'), {
        serviceAccount: parseJsonOption(readSecretOption(String(serviceAccountFile))),
        check,
      });
      return { json: credentials, text: credentialsText(credentials) };
    },
  );
