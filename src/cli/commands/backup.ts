import { existsSync } from 'node:fs';
import { Command } from 'commander';
import type { MasterKeysStatus } from '../../core/secrets/master-keys.ts';
import { CommandFailure } from '../command-failure.ts';
import { runOnServer } from '../run-on-server.ts';

export const backup = (): Command =>
  runOnServer(
    new Command('backup')
      .description('Save a consistent copy of the database of a running server.')
      .argument('<file>', 'where to save it; must not exist yet')
      .addHelpText(
        'after',
        `
Everything that was accepted before the command began is in it. Nobody has to wait; the server needs as much
free space in its data folder as the database takes, for a moment.
The master keys are not in it, so that the file alone tells nobody your secrets. Keep a copy of
master-keys.json from the data folder elsewhere: without it the backup cannot be restored.`,
      ),
    async (admin, [file]) => {
      const target = String(file);
      if (existsSync(target)) throw new CommandFailure(`${target} exists already.`);
      const before = await admin.call<MasterKeysStatus>('GET', '/master-keys');
      const bytes = await admin.download('/backup', target);
      const after = await admin.call<MasterKeysStatus>('GET', '/master-keys');
      const masterKeys = [...new Set([...before.keys, ...after.keys])];
      const text = `Saved ${bytes} bytes to ${target}. It opens with the master keys ${masterKeys.join(', ')}.`;
      return { json: { file: target, bytes, masterKeys }, text };
    },
  );
