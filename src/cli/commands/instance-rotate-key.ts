import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import type { ShownInstance } from '../instance-text.ts';
import { instanceText } from '../instance-text.ts';
import { runOnServer } from '../run-on-server.ts';
import { readSecretOption } from '../secret-option.ts';
import { parseWholeNumber } from '../structured-options.ts';

export const instanceRotateKey = (): Command =>
  runOnServer(
    new Command('rotate-key')
      .description('Give an instance a new secret key; the present one keeps working for a while.')
      .argument('<instance>', 'instance id')
      .option('--secret-key-file <file>', 'file with the new secret key (default: a random one)')
      .option(
        '--overlap-seconds <number>',
        'how long the present key keeps working, at most 30 days; 0 ends it at once (default: 86400, a day)',
        parseWholeNumber,
      )
      .addHelpText(
        'after',
        `
The new key works at once. Give it to your servers one by one while the overlap lasts: publishes with either
key are accepted, and user tokens that either key has signed are believed. One overlap at a time;
\`pharos instance retire-key\` ends it early, for a key that has leaked.`,
      ),
    async (admin, [id], { secretKeyFile, overlapSeconds }: { secretKeyFile?: string; overlapSeconds?: number }) => {
      const instance = await admin.call<ShownInstance>('POST', adminPath('instances', id, 'secret-key'), {
        ...(secretKeyFile !== undefined && { secretKey: readSecretOption(secretKeyFile) }),
        ...(overlapSeconds !== undefined && { overlapSeconds }),
      });
      return { json: instance, text: instanceText(instance) };
    },
  );
