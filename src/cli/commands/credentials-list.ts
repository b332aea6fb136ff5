import type { Command } from 'commander';
import type { ShownCredentials } from '../../wire/admin/credentials-routes.ts';
import { clientCommand, runOnServer } from '../client-command.ts';
import { credentialsText } from '../credentials-text.ts';

export const credentialsList = (): Command =>
  runOnServer(
    clientCommand('list', 'Show which credentials an instance has, and when they expire.').argument(
      '<instance>',
      'instance id',
    ),
    async (admin, [id]) => {
      const path = `/instances/${encodeURIComponent(String(id))}/credentials`;
      const answer = await admin.call<{ readonly credentials: readonly ShownCredentials[] }>('GET', path);
      const text = answer.credentials.map(credentialsText).join('\n\n') || 'No credentials are set.';
      return { json: answer, text };
    },
  );
