import { Command, Option } from 'commander';
import { adminPath } from '../admin-path.ts';
import type { ShownInstance } from '../instance-text.ts';
import { instanceText } from '../instance-text.ts';
import { runOnServer } from '../run-on-server.ts';
import { splitList } from '../structured-options.ts';

export const instanceUpdate = (): Command =>
  runOnServer(
    new Command('update')
      .description('Change an instance; what is not named stays as it is.')
      .argument('<instance>', 'instance id')
      .option('--name <name>', 'what people call it')
      .option('--allowed-origins <origins>', 'origins whose pages may use it, separated by commas, or "any"')
      .addOption(
        new Option('--feed <state>', 'whether its servers may read its events from a feed').choices(['on', 'off']),
      ),
    async (
      admin,
      [id],
      { name, allowedOrigins, feed }: { name?: string; allowedOrigins?: string; feed?: 'on' | 'off' },
    ) => {
      const instance = await admin.call<ShownInstance>('PATCH', adminPath('instances', id), {
        ...(name !== undefined && { name }),
        ...(allowedOrigins !== undefined && {
          allowedOrigins: allowedOrigins === 'any' ? null : splitList(allowedOrigins),
        }),
        ...(feed !== undefined && { feed: feed === 'on' }),
      });
      return { json: instance, text: instanceText(instance) };
    },
  );
