import { Command } from 'commander';
import { readServerSettings } from '../../config/server-settings.ts';
import { serveFlagKeys } from '../../config/settings.ts';
import type { SettingKey } from '../../config/settings.ts';
import type { Pharos } from '../../main.ts';
import { acceptedSettings } from '../accepted-settings.ts';
import { settingOptions } from '../setting-options.ts';

export function serve(): Command {
  const command = new Command('serve').description(
    'Start the server. Needs no setting: the first start makes the data folder with everything in it.',
  );
  for (const option of settingOptions(serveFlagKeys)) command.addOption(option);
  command.addHelpText(
    'after',
    `
Every option is also an environment variable, in brackets; an option comes before its variable. Addresses of
databases hold passwords, so they are variables only: PHAROS_DATABASE_URL and its kin, in docs/configuration.md.
Logs are JSON lines on standard output. SIGTERM and SIGINT stop the server after what is in flight; a second
one ends it at once. docs/operations.md has backups, keys, upgrades, systemd, proxies and TLS.

Examples:
  pharos serve
  pharos serve --data-dir /var/lib/pharos --public-url https://push.example.com --trusted-proxies 127.0.0.1`,
  );
  return command.action(async (flags: Partial<Record<SettingKey, string>>) => {
    // Whatever the server writes is its owner's business only.
    process.umask(0o077);
    const settings = acceptedSettings(readServerSettings(flags));
    // Loaded here, so that the other commands need not wait for it.
    const { startPharos } = await import('../../main.ts');
    const pharos = await startPharos(settings);
    process.stderr.write(`${greeting(pharos)}\n`);
    const stop = (): void => {
      // The second signal finds no handler and ends the process at once.
      process.removeListener('SIGTERM', stop).removeListener('SIGINT', stop);
      // Whatever did not stop in time must not keep the process alive.
      void pharos.stop().finally(() => process.exit(0));
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  });
}

/** For people, beside the log on standard output. */
function greeting({ urls, firstInstance, newSecretFiles }: Pharos): string {
  const lines = [`Pharos listens on ${urls.join(' and ')}`];
  for (const file of newSecretFiles) lines.push(`Keep ${file} secret, and back it up.`);
  if (firstInstance) {
    lines.push(
      `Made a first instance: ${firstInstance.id}`,
      `Its secret key is in ${firstInstance.credentialsFile}: delete this file once you have read it.`,
      'Next:',
      `  - give your server's Beams SDK that instance id, that secret key and the address above;`,
      `  - pharos webhook create ${firstInstance.id} --target https://… --events … tells your backend what happens;`,
      '  - pharos instance create <name> --id … --secret-key-file … takes over an instance of Beams.',
    );
  }
  return lines.join('\n');
}
