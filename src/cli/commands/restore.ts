import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { readClientSettings } from '../../config/client-settings.ts';
import { parseKeyring } from '../../sealing/keyring.ts';
import { createSealer } from '../../sealing/sealer.ts';
import { restoreDataFolder } from '../../data-folder/restore-data-folder.ts';
import { acceptedSettings } from '../accepted-settings.ts';
import { CommandFailure } from '../command-failure.ts';
import { settingOptions } from '../setting-options.ts';

export function restore(): Command {
  const command = new Command('restore')
    .description('Make a data folder from a backup, for `pharos serve` to start on.')
    .argument('<file>', 'what `pharos backup` saved')
    .requiredOption('--master-keys-file <file>', 'copy of master-keys.json from when the backup was made')
    .addHelpText(
      'after',
      `
The folder must be empty or not exist. First the whole backup is read: it must be sound, not newer than this
version, and everything sealed in it must open with the master keys.
What the old server sent after the backup was made, the restored one does not know about: it sends again what
waited at that moment, with the same ids.`,
    );
  for (const option of settingOptions(['dataDir'])) command.addOption(option);
  return command.action(async (file: string, options: { dataDir?: string; masterKeysFile: string }) => {
    process.umask(0o077);
    const { dataDir } = acceptedSettings(readClientSettings(options.dataDir ? { dataDir: options.dataDir } : {}));
    const keyring = readKeyring(options.masterKeysFile);
    if (!existsSync(file)) throw new CommandFailure(`there is no file ${file}`, 2);
    // Loaded here, so that the other commands need not wait for it.
    const { checkBackup } = await import('../../storage/sqlite/check-backup.ts');
    try {
      checkBackup(file, ({ place, sealed }) => void keyring.sealer.open(place, sealed));
    } catch (cause) {
      throw new CommandFailure(`${file} cannot be restored: ${(cause as Error).message}`, 1, { cause });
    }
    restoreDataFolder(dataDir, file, keyring.text);
    process.stdout.write(`Restored ${file} into ${dataDir}. Start it with: pharos serve --data-dir ${dataDir}\n`);
  });
}

function readKeyring(file: string) {
  try {
    const text = readFileSync(file, 'utf8');
    return { text, sealer: createSealer(parseKeyring(text)) };
  } catch (cause) {
    throw new CommandFailure(`${file} cannot be used: ${(cause as Error).message}`, 2, { cause });
  }
}
