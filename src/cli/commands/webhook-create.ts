import { Command, Option } from 'commander';
import { eventTypes, isClassicEventType } from '../../protocol/event-types.ts';
import type { WebhookFormat } from '../../protocol/webhook-body.ts';
import { webhookFormats } from '../../protocol/webhook-body.ts';
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
  readonly format?: WebhookFormat;
  readonly events?: string[];
  readonly secretFile?: string;
  readonly customData?: object;
}

export const webhookCreate = (): Command =>
  runOnServer(
    addWebhookOptions(
      new Command('create')
        .description('Send events of an instance to a URL.')
        .argument('<instance>', 'instance id')
        .requiredOption('--target <url>', 'where the events go')
        .addOption(
          new Option(
            '--format <name>',
            "beams, classic: the bodies of OneSignal's classic webhooks, or standard: Standard Webhooks",
          )
            .choices(webhookFormats)
            .default('beams'),
        )
        .option(
          '--events <types>',
          `event types, separated by commas (default: all, which are ${eventTypes.join(', ')}; classic: those named v1.Notification…)`,
          splitList,
        )
        .option('--secret-file <file>', 'file with the secret that signs the requests (default: a new one)')
        .option('--custom-data <json>', 'object that each request carries along', parseJsonOption),
    ).addHelpText(
      'after',
      `
The secret that signs the requests is printed. A request that is not answered 2xx within 3 seconds is repeated
after 10, 30, 120 and 300 seconds (with --retries standard: within 15 seconds, nine times in three days);
\`pharos message list\` shows what became of each. While a classic webhook gets an event, visitors' browsers do not
send it to the URL that the page named.

Example:
  pharos webhook create 1b2c… --target https://shop.example/pharos --events v1.UserNotificationOpen`,
    ),
    async (admin, [instance], { target, format, events, secretFile, customData, ...flags }: Options) => {
      const webhook = await admin.call<ShownWebhook>('POST', adminPath('instances', instance, 'webhooks'), {
        url: target,
        format,
        events: events ?? (format === 'classic' ? eventTypes.filter(isClassicEventType) : eventTypes),
        ...(secretFile !== undefined && { secret: readSecretOption(secretFile) }),
        ...(customData && { customData }),
        ...readWebhookOptions(flags),
      });
      return { json: webhook, text: webhookText(webhook) };
    },
  );
