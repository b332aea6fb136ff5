import type { Command } from 'commander';
import { clientCommand, runOnServer } from '../client-command.ts';
import type { ShownReplay } from '../replay-text.ts';
import { parsePerSecond, replayTable } from '../replay-text.ts';
import { parseTimeOption } from '../time-option.ts';

interface Options {
  readonly enable?: true;
  readonly since?: string;
  readonly maxPerSecond?: number;
}

export const webhookCatchUp = (): Command =>
  runOnServer(
    clientCommand('catch-up', 'Send a webhook what it missed while it was disabled or down.')
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
      const path = `/instances/${encodeURIComponent(String(instance))}/webhooks/${encodeURIComponent(String(webhook))}`;
      const json = await admin.call<{ replays: ShownReplay[] }>('POST', `${path}/catch-up`, {
        ...(enable && { enable }),
        ...(since !== undefined && { since }),
        ...(maxPerSecond !== undefined && { maxPerSecond }),
      });
      return { json, text: replayTable(json.replays) };
    },
  );
