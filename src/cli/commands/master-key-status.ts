import { Command } from 'commander';
import type { MasterKeysStatus } from '../../core/secrets/master-keys.ts';
import { masterKeysText } from '../master-keys-text.ts';
import { runOnServer } from '../run-on-server.ts';

export const masterKeyStatus = (): Command =>
  runOnServer(
    new Command('status').description('Show the ids of the master keys, and how far a rotation is.'),
    async (admin) => {
      const status = await admin.call<MasterKeysStatus>('GET', '/master-keys');
      return { json: status, text: masterKeysText(status) };
    },
  );
