import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import { runOnServer } from '../run-on-server.ts';
import { readSecretOption } from '../secret-option.ts';
import { parseWholeNumber } from '../structured-options.ts';
import type { ShownWebhook } from '../webhook-text.ts';
import { webhookText } from '../webhook-text.ts';

export const webhookRotateSecret = (): Command =>
  runOnServer(
    new Command('rotate-secret')
      .description('Give a webhook a new secret; the present one goes on signing for a while.')
      .argument('<instance>', 'instance id')
      .argument('<webhook>', 'webhook id')
      .option('--secret-file <file>', 'file with the new secret (default: a random one)')
      .option(
        '--overlap-seconds <number>',
        'how long the present secret goes on signing, at most 30 days; 0 ends it at once (default: 86400, a day)',
        parseWholeNumber,
      )
      .addHelpText(
        'after',
        `
While the overlap lasts, requests with the standard signing carry the signatures of both secrets. Beams' header has
room for one, so the present secret signs alone until the end and the new one afterwards: give receivers both.
One overlap at a time; \`pharos webhook retire-secret\` ends it early, for a secret that has leaked.`,
      ),
    async (
      admin,
      [instance, webhook],
      { secretFile, overlapSeconds }: { secretFile?: string; overlapSeconds?: number },
    ) => {
      const path = adminPath('instances', instance, 'webhooks', webhook, 'rotate-secret');
      const rotated = await admin.call<ShownWebhook>('POST', path, {
        ...(secretFile !== undefined && { secret: readSecretOption(secretFile) }),
        ...(overlapSeconds !== undefined && { overlapSeconds }),
      });
      return { json: rotated, text: webhookText(rotated) };
    },
  );
