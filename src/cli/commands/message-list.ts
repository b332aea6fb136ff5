import type { Command } from 'commander';
import type { renderMessage } from '../../wire/admin/render.ts';
import { clientCommand, runOnServer } from '../client-command.ts';
import { formatTable } from '../format-text.ts';

export const messageList = (): Command =>
  runOnServer(
    clientCommand('list', 'List the messages of an instance, newest first.')
      .argument('<instance>', 'instance id')
      .option('--webhook-id <id>', 'only those to this webhook')
      .option('--publish-id <id>', 'only those about this publish, like pubid-…')
      .option('--before <id>', 'only those older than this message')
      .option('--limit <number>', 'at most so many, up to 200 (default: 50)')
      .addHelpText(
        'after',
        `
States:
  waiting     to be sent, again if it was attempted; "next attempt" says when
  delivered   answered 2xx
  exhausted   not answered 2xx in any attempt; \`pharos message attempts\` shows what came back
  dropped     not sent, for the reason beside it`,
      ),
    async (admin, [instance], filters: { webhookId?: string; publishId?: string; before?: string; limit?: string }) => {
      const path = `/instances/${encodeURIComponent(String(instance))}/messages`;
      const query = new URLSearchParams({ ...filters }).toString();
      const json = await admin.call<{ messages: ReturnType<typeof renderMessage>[]; next: string | null }>(
        'GET',
        `${path}?${query}`,
      );
      const rows = json.messages.map(({ id, eventType, publishId, webhookId, state, dropReason, attempts, dueAt }) => ({
        'message id': id,
        event: eventType,
        'publish id': publishId,
        'webhook id': webhookId,
        state: dropReason === null ? state : `${state} (${dropReason})`,
        attempts,
        'next attempt': dueAt,
      }));
      const more = json.next === null ? '' : `\nOlder ones: --before ${json.next}`;
      return { json, text: formatTable(rows, 'There are no such messages.') + more };
    },
  );
