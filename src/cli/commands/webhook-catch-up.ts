import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import type { ShownReplay } from '../replay-text.ts';
import { replayTable } from '../replay-text.ts';
import { runOnServer } from '../run-on-server.ts';
import { parsePerSecond } from '../structured-options.ts';
import { parseTimeOption } from '../time-option.ts';

interface Options {
  readonly enable?: true;
  readonly since?: string;
  readonly maxPerSecond?: number;
}

export const webhookCatchUp = (): Command =>
  runOnServer(
    new Command('catch-up')
      .description('Send a webhook what it missed while it was disabled or down.')
      .argument('<instance>', 'instance id')
      .argument('<webhook>', 'webhook id')
      .option('--enable', 'enable it first')
      .option(
        '--since <time>',
        'what was given up since: a time, or like 2h (default: its last success if it is down, else all that is kept)',
        parseTimeOption,
      )
      .option('--max-per-second <number>', 'at most so many', parsePerSecond),
    async (admin, [instance, webhook], { enable, since, maxPerSecond }: Options) => {
      const path = adminPath('instances', instance, 'webhooks', webhook, 'catch-up');
      const json = await admin.call<{ replays: ShownReplay[] }>('POST', path, {
        ...(enable && { enable }),
        ...(since !== undefined && { since }),
        ...(maxPerSecond !== undefined && { maxPerSecond }),
      });
      return { json, text: replayTable(json.replays) };
    },
  );
