import { Command } from 'commander';
import type { ShownCredentials } from '../../wire/admin/credentials-routes.ts';
import { adminPath } from '../admin-path.ts';
import { credentialsText } from '../credentials-text.ts';
import { runOnServer } from '../run-on-server.ts';

export const credentialsList = (): Command =>
  runOnServer(
    new Command('list')
      .description('Show which credentials an instance has, and when they expire.')
      .argument('<instance>', 'instance id'),
    async (admin, [id]) => {
      const path = adminPath('instances', id, 'credentials');
      const answer = await admin.call<{ readonly credentials: readonly ShownCredentials[] }>('GET', path);
      const text = answer.credentials.map(credentialsText).join('\n\n') || 'No credentials are set.';
      return { json: answer, text };
    },
  );
