import type { Command, OptionValues } from 'commander';
import { Option } from 'commander';
import { readClientSettings } from '../config/client-settings.ts';
import { acceptedSettings } from './accepted-settings.ts';
import type { AdminClient } from './admin-client.ts';
import { createAdminClient } from './admin-client.ts';
import { settingOptions } from './setting-options.ts';

type ClientFlags = Partial<Record<'url' | 'dataDir' | 'adminTokenFile', string>> & { readonly json?: true };

/** What a command has to say: the server's answer for `--json`, else the text. */
export interface Output {
  readonly json: unknown;
  readonly text: string;
}

/** Makes a command that speaks to a running server: `run` gets the client, the arguments in order, and the options. */
export function runOnServer(
  command: Command,
  run: (admin: AdminClient, args: readonly string[], options: OptionValues) => Promise<Output>,
): Command {
  command.addOption(new Option('--json', 'print the answer of the server as JSON'));
  // Last in the help: the command's own options matter more.
  for (const option of settingOptions(['url', 'dataDir', 'adminTokenFile'])) {
    command.addOption(option.helpGroup('Which server:'));
  }
  return command.action(async () => {
    const { url, dataDir, adminTokenFile, json, ...options } = command.opts<ClientFlags & OptionValues>();
    const flags = Object.fromEntries(
      Object.entries({ url, dataDir, adminTokenFile }).filter(([, value]) => value !== undefined),
    );
    const admin = createAdminClient(acceptedSettings(readClientSettings(flags)));
    const output = await run(admin, command.args, options);
    process.stdout.write(json ? `${JSON.stringify(output.json, null, 2)}\n` : `${output.text}\n`);
  });
}
