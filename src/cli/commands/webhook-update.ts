import { Command, Option } from 'commander';
import { adminPath } from '../admin-path.ts';
import { runOnServer } from '../run-on-server.ts';
import { readSecretOption } from '../secret-option.ts';
import { parseJsonOption, splitList } from '../structured-options.ts';
import type { WebhookFlags } from '../webhook-options.ts';
import { addWebhookOptions, readWebhookOptions } from '../webhook-options.ts';
import type { ShownWebhook } from '../webhook-text.ts';
import { webhookText } from '../webhook-text.ts';

interface Options extends WebhookFlags {
  readonly target?: string;
  readonly events?: string[];
  readonly secretFile?: string;
  readonly customData?: object;
  readonly disable?: true;
  readonly enable?: true;
}

export const webhookUpdate = (): Command =>
  runOnServer(
    addWebhookOptions(
      new Command('update')
        .description('Change a webhook; what is not named stays as it is.')
        .argument('<instance>', 'instance id')
        .argument('<webhook>', 'webhook id')
        .option('--target <url>', 'where the events go')
        .option('--events <types>', 'event types, separated by commas', splitList)
        .option('--secret-file <file>', 'file with the secret that signs the requests')
        .option('--custom-data <json>', 'object that each request carries along', parseJsonOption),
    )
      .addOption(new Option('--disable', 'send nothing any more').conflicts('enable'))
      .option('--enable', 'send again'),
    async (
      admin,
      [instance, webhook],
      { target, events, secretFile, customData, disable, enable, ...flags }: Options,
    ) => {
      const path = adminPath('instances', instance, 'webhooks', webhook);
      const updated = await admin.call<ShownWebhook>('PATCH', path, {
        ...(target !== undefined && { url: target }),
        ...(events && { events }),
        ...(secretFile !== undefined && { secret: readSecretOption(secretFile) }),
        ...(customData && { customData }),
        ...readWebhookOptions(flags),
        ...((disable || enable) && { disabled: disable === true }),
      });
      return { json: updated, text: webhookText(updated) };
    },
  );
