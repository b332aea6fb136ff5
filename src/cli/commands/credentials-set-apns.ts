import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { ShownCredentials } from '../../wire/admin/credentials-routes.ts';
import { adminPath } from '../admin-path.ts';
import { CommandFailure } from '../command-failure.ts';
import { credentialsText } from '../credentials-text.ts';
import { runOnServer } from '../run-on-server.ts';
import { readSecretOption } from '../secret-option.ts';

interface Options {
  readonly sandbox?: true;
  readonly bundleIdentifier?: string;
  readonly keyFile?: string;
  readonly keyId?: string;
  readonly teamId?: string;
  readonly p12File?: string;
  readonly passphraseFile?: string;
  readonly check?: boolean;
}

export const credentialsSetApns = (): Command =>
  runOnServer(
    new Command('set-apns')
      .description("Send to apps on Apple's devices.")
      .argument('<instance>', 'instance id')
      .option('--key-file <file>', 'the .p8 file of a key for APNs')
      .option('--key-id <id>', 'id of that key')
      .option('--team-id <id>', 'id of the team that it belongs to')
      .addOption(new Option('--p12-file <file>', 'a certificate with its key instead').conflicts('keyFile'))
      .option('--passphrase-file <file>', 'file with the passphrase of the .p12 file (default: none)')
      .option('--bundle-identifier <id>', 'the app, for devices that did not say which they are')
      .option('--sandbox', "the apps were built for development: use Apple's sandbox")
      .option('--no-check', 'do not ask Apple first whether it takes them')
      .addHelpText(
        'after',
        `
Keys do not expire and serve all apps of a team; certificates end after a year. Those that were set before are
replaced.

Example:
  pharos credentials set-apns 1b2c… --key-file AuthKey_ABC123DEFG.p8 --key-id ABC123DEFG --team-id DEF123GHIJ`,
      ),
    async (admin, [id], options: Options) => {
      const { sandbox, bundleIdentifier, check } = options;
      const credentials = await admin.call<ShownCredentials>('PUT', adminPath('instances', id, 'credentials', 'apns'), {
        environment: sandbox ? 'sandbox' : 'production',
        ...(bundleIdentifier !== undefined && { bundleIdentifier }),
        ...readProof(options),
        check,
      });
      return { json: credentials, text: credentialsText(credentials) };
    },
  );

function readProof({ keyFile, keyId, teamId, p12File, passphraseFile }: Options) {
  if (p12File !== undefined) {
    const passphrase = passphraseFile === undefined ? '' : readSecretOption(passphraseFile);
    return { p12: { file: readBase64(p12File), passphrase } };
  }
  if (keyFile === undefined || keyId === undefined || teamId === undefined) {
    throw new CommandFailure('give --key-file, --key-id and --team-id, or --p12-file', 2);
  }
  return { token: { keyId, teamId, privateKey: readSecretOption(keyFile) } };
}

function readBase64(file: string): string {
  try {
    return readFileSync(file).toString('base64');
  } catch (cause) {
    throw new CommandFailure(`the certificate cannot be read: ${(cause as Error).message}`, 2, { cause });
  }
}
