import { Command } from 'commander';
import { adminPath } from '../admin-path.ts';
import type { ShownReplay } from '../replay-text.ts';
import { replayTable } from '../replay-text.ts';
import { runOnServer } from '../run-on-server.ts';
import { parsePerSecond, splitList } from '../structured-options.ts';
import { parseTimeOption } from '../time-option.ts';

interface Options {
  readonly states?: string[];
  readonly eventType?: string;
  readonly since?: string;
  readonly maxPerSecond?: number;
}

export const webhookReplay = (): Command =>
  runOnServer(
    new Command('replay')
      .description('Send messages again, oldest first; it goes on in the background, also after a restart.')
      .argument('<instance>', 'instance id')
      .argument('[webhook]', 'webhook id, or `publish` for the webhookUrls of publishes; left out: all of them')
      .option(
        '--states <states>',
        'which, separated by commas: exhausted, held, delivered (default: exhausted)',
        splitList,
      )
      .option('--event-type <type>', 'only those of this type')
      .option('--since <time>', 'only those written or last attempted since: a time, or like 2h', parseTimeOption)
      .option('--max-per-second <number>', 'at most so many for each webhook', parsePerSecond),
    async (admin, [instance, webhook], { states, eventType, since, maxPerSecond }: Options) => {
      const json = await admin.call<{ replays: ShownReplay[] }>('POST', adminPath('instances', instance, 'replays'), {
        ...(webhook !== undefined && { webhookId: webhook === 'publish' ? null : webhook }),
        ...(states && { states }),
        ...(eventType !== undefined && { eventType }),
        ...(since !== undefined && { since }),
        ...(maxPerSecond !== undefined && { maxPerSecond }),
      });
      return { json, text: replayTable(json.replays) };
    },
  );
