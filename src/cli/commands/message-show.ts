import { Command } from 'commander';
import type { renderMessageDetail } from '../../wire/admin/render.ts';
import { adminPath } from '../admin-path.ts';
import { formatFields } from '../format-text.ts';
import { runOnServer } from '../run-on-server.ts';

export const messageShow = (): Command =>
  runOnServer(
    new Command('show')
      .description('Show a message, and why it is where it is.')
      .argument('<instance>', 'instance id')
      .argument('<message>', 'message id'),
    async (admin, [instance, message]) => {
      const json = await admin.call<ReturnType<typeof renderMessageDetail>>(
        'GET',
        adminPath('instances', instance, 'messages', message),
      );
      const text = formatFields({
        'message id': json.id,
        event: json.eventType,
        'event id': json.eventId,
        'happened at': json.eventAt,
        'publish id': json.publishId,
        'webhook id': json.webhookId,
        user: json.userErased ? '(erased)' : json.user,
        'device id': json.deviceId,
        state: json.state,
        attempts: json.attempts,
        'next attempt': json.dueAt,
        why: json.explanation,
      });
      return { json, text };
    },
  );
