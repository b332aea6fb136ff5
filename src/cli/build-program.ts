import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { backup } from './commands/backup.ts';
import { completion } from './commands/completion.ts';
import { credentialsDelete } from './commands/credentials-delete.ts';
import { credentialsList } from './commands/credentials-list.ts';
import { credentialsSetApns } from './commands/credentials-set-apns.ts';
import { credentialsSetFcm } from './commands/credentials-set-fcm.ts';
import { dbCopy } from './commands/db-copy.ts';
import { instanceCreate } from './commands/instance-create.ts';
import { instanceList } from './commands/instance-list.ts';
import { instanceRetireKey } from './commands/instance-retire-key.ts';
import { instanceRotateKey } from './commands/instance-rotate-key.ts';
import { instanceShow } from './commands/instance-show.ts';
import { instanceUpdate } from './commands/instance-update.ts';
import { masterKeyRotate } from './commands/master-key-rotate.ts';
import { masterKeyStatus } from './commands/master-key-status.ts';
import { messageAttempts } from './commands/message-attempts.ts';
import { messageList } from './commands/message-list.ts';
import { messageResend } from './commands/message-resend.ts';
import { messageShow } from './commands/message-show.ts';
import { publishShow } from './commands/publish-show.ts';
import { pushOriginList } from './commands/push-origin-list.ts';
import { pushOriginResume } from './commands/push-origin-resume.ts';
import { restore } from './commands/restore.ts';
import { serve } from './commands/serve.ts';
import { webhookCancelReplay } from './commands/webhook-cancel-replay.ts';
import { webhookCatchUp } from './commands/webhook-catch-up.ts';
import { webhookCreate } from './commands/webhook-create.ts';
import { webhookDelete } from './commands/webhook-delete.ts';
import { webhookList } from './commands/webhook-list.ts';
import { webhookRetireSecret } from './commands/webhook-retire-secret.ts';
import { webhookRotateSecret } from './commands/webhook-rotate-secret.ts';
import { webhookReplay } from './commands/webhook-replay.ts';
import { webhookReplays } from './commands/webhook-replays.ts';
import { webhookShow } from './commands/webhook-show.ts';
import { webhookUpdate } from './commands/webhook-update.ts';

const epilogue = `
Begin with:
  pharos serve                       start a server; the first start says what to do next
  pharos instance list               see what it serves

Every setting is also an environment variable; docs/configuration.md lists them, docs/operations.md tells how to run
a server: backups, keys, upgrades, proxies.
Exit codes: 0 done, 1 failed, 2 called wrongly or with wrong settings.`;

/** The `pharos` command line. */
export function buildProgram(): Command {
  const program = new Command('pharos')
    .description(packageJson.description)
    .version(packageJson.version)
    .addHelpText('after', epilogue)
    .addCommand(serve())
    .addCommand(
      group('instance', 'Instances: tenants with keys of their own', [
        instanceCreate,
        instanceList,
        instanceShow,
        instanceUpdate,
        instanceRotateKey,
        instanceRetireKey,
      ]),
    )
    .addCommand(
      group('credentials', "Google's and Apple's credentials of an instance, for apps on phones", [
        credentialsSetFcm,
        credentialsSetApns,
        credentialsList,
        credentialsDelete,
      ]),
    )
    .addCommand(group('db', 'The database, while no server uses it', [dbCopy]))
    .addCommand(
      group('webhook', 'Webhooks of an instance: where its events go', [
        webhookCreate,
        webhookList,
        webhookShow,
        webhookUpdate,
        webhookRotateSecret,
        webhookRetireSecret,
        webhookDelete,
        webhookCatchUp,
        webhookReplay,
        webhookReplays,
        webhookCancelReplay,
      ]),
    )
    .addCommand(group('publish', 'Publishes, and what became of them', [publishShow]))
    .addCommand(
      group('message', 'Messages to webhooks, and the attempts to send them', [
        messageList,
        messageShow,
        messageAttempts,
        messageResend,
      ]),
    )
    .addCommand(
      group('push-origin', 'Push services, and whether devices that they call gone are removed', [
        pushOriginList,
        pushOriginResume,
      ]),
    );
  program
    .addCommand(
      group('master-key', 'Master keys, which seal secrets in the database', [masterKeyRotate, masterKeyStatus]),
    )
    .addCommand(backup())
    .addCommand(restore())
    .addCommand(completion());
  failWithErrors(program);
  return program;
}

function group(name: string, description: string, commands: readonly (() => Command)[]): Command {
  const parent = new Command(name).description(`${description}.`);
  for (const command of commands) parent.addCommand(command());
  return parent;
}

/** Commander would end the process itself. */
function failWithErrors(command: Command): void {
  command.exitOverride().showHelpAfterError('(--help says more)');
  for (const child of command.commands) failWithErrors(child);
}
