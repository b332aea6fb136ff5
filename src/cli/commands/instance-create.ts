import { Command } from 'commander';
import type { ShownInstance } from '../instance-text.ts';
import { instanceText } from '../instance-text.ts';
import { runOnServer } from '../run-on-server.ts';
import { readSecretOption } from '../secret-option.ts';

export const instanceCreate = (): Command =>
  runOnServer(
    new Command('create')
      .description('Make an instance with a secret key and a VAPID key pair of its own.')
      .argument('<name>', 'what people call it')
      .option('--id <uuid>', 'keep the id that it has at Beams (default: a new one)')
      .option('--secret-key-file <file>', 'file with the secret key that it has at Beams (default: a new one)')
      .addHelpText(
        'after',
        `
Examples:
  pharos instance create "My shop"
  pharos instance create "My shop" --id 1b2c… --secret-key-file beams-key     takes over an instance of Beams`,
      ),
    async (admin, [name], { id, secretKeyFile }: { id?: string; secretKeyFile?: string }) => {
      const instance = await admin.call<ShownInstance>('POST', '/instances', {
        name,
        ...(id !== undefined && { id }),
        ...(secretKeyFile !== undefined && { secretKey: readSecretOption(secretKeyFile) }),
      });
      return { json: instance, text: instanceText(instance) };
    },
  );
