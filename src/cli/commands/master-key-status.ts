import type { Command } from 'commander';
import type { MasterKeysStatus } from '../../core/secrets/master-keys.ts';
import { clientCommand, runOnServer } from '../client-command.ts';
import { masterKeysText } from '../master-keys-text.ts';

export const masterKeyStatus = (): Command =>
  runOnServer(clientCommand('status', 'Show the ids of the master keys, and how far a rotation is.'), async (admin) => {
    const status = await admin.call<MasterKeysStatus>('GET', '/master-keys');
    return { json: status, text: masterKeysText(status) };
  });
