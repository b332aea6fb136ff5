import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import { runOnServer } from '../run-on-server.ts';

export const instanceRetireKey = (): Command =>
  runOnServer(
    new Command('retire-key')
      .description('End the overlap of a key rotation now: the previous secret key works no more.')
      .argument('<instance>', 'instance id'),
    async (admin, [id]) => {
      await admin.call('DELETE', adminPath('instances', id, 'previous-secret-key'));
      return { json: { retired: id }, text: 'Only the present secret key works now.' };
    },
  );
