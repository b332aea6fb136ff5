import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';

export const instanceRetireKey = (): Command =>
  runOnServer(
    clientCommand(
      'retire-key',
      'End the overlap of a key rotation now: the previous secret key works no more.',
    ).argument('<instance>', 'instance id'),
    async (admin, [id]) => {
      await admin.call('DELETE', `/instances/${encodeURIComponent(String(id))}/previous-secret-key`);
      return { json: { retired: id }, text: 'Only the present secret key works now.' };
    },
  );
