import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { MasterKeysStatus } from '../../core/secrets/master-keys.ts';
import type { AdminClient } from '../admin-client.ts';
import { masterKeysText } from '../master-keys-text.ts';
import { runOnServer } from '../run-on-server.ts';

const pollMs = 500;

export const masterKeyRotate = (): Command =>
  runOnServer(
    new Command('rotate')
      .description('Make a new master key; the server goes on while everything is sealed anew.')
      .option('--wait', 'return when the old key is out of the file')
      .addHelpText(
        'after',
        `
The new key is in master-keys.json before anything is sealed with it, and the old one stays there until nothing
is sealed with it any more. The server may be stopped or killed meanwhile: the next start goes on. Copy
master-keys.json to where you keep it when it is done; backups from before need the old copy.`,
      ),
    async (admin, _, { wait }: { wait?: true }) => {
      const started = await admin.call<MasterKeysStatus>('POST', '/master-keys');
      const status = wait ? await untilDone(admin, started) : started;
      return { json: status, text: masterKeysText(status) };
    },
  );

async function untilDone(admin: AdminClient, started: MasterKeysStatus): Promise<MasterKeysStatus> {
  let status = started;
  while (status.resealing) {
    await delay(pollMs);
    status = await admin.call<MasterKeysStatus>('GET', '/master-keys');
  }
  return status;
}
