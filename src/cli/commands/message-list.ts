import { Command } from 'commander';
import type { renderMessage } from '../../wire/admin/render.ts';
import type { AdminClient } from '../admin-client.ts';
import { adminPath } from '../admin-path.ts';
import { formatTable } from '../format-text.ts';
import { runOnServer } from '../run-on-server.ts';
import { parseWholeNumber } from '../structured-options.ts';
import { parseTimeOption } from '../time-option.ts';

interface Page {
  readonly messages: readonly ReturnType<typeof renderMessage>[];
  readonly next: string | null;
}

const defaultLimit = 50;
const maxPageSize = 200;

export const messageList = (): Command =>
  runOnServer(
    new Command('list')
      .description('List the messages of an instance, newest first.')
      .argument('<instance>', 'instance id')
      .option('--webhook-id <id>', 'only those to this webhook')
      .option('--publish-id <id>', 'only those about this publish, like pubid-…')
      .option('--event-type <type>', 'only those of this type, like v1.UserNotificationOpen')
      .option('--event-id <id>', 'only those of this event, to whichever webhook')
      .option('--user <id>', 'only those about this user')
      .option('--state <state>', 'only those in this state')
      .option('--status <number>', 'only those whose last attempt was answered so, like 500')
      .option('--since <time>', 'only those written since then: a time, or like 2h', parseTimeOption)
      .option('--until <time>', 'only those written before: a time, or like 30m', parseTimeOption)
      .option('--before <id>', 'only those older than this message')
      .option('--limit <number>', `at most so many (default: ${defaultLimit})`, parseWholeNumber)
      .addHelpText(
        'after',
        `
States:
  waiting     to be sent, again if it was attempted; \`pharos message show\` says what it waits for
  held        not sent while its webhook is disabled; \`pharos webhook catch-up\` sends it
  delivered   answered 2xx
  exhausted   not answered 2xx in any attempt; \`pharos message attempts\` shows what came back
  dropped     not sent, for the reason beside it`,
      ),
    async (admin, [instance], options: { limit?: number; before?: string } & Record<string, string>) => {
      const { limit = defaultLimit, ...filters } = options;
      const json = await search(admin, String(instance), filters, limit);
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

/** The server looks at so many messages at a time: a page may hold fewer than were asked for and not be the last. */
async function search(
  admin: AdminClient,
  instance: string,
  filters: Readonly<Record<string, string>>,
  limit: number,
): Promise<Page> {
  const messages: ReturnType<typeof renderMessage>[] = [];
  let next: string | null = filters['before'] ?? null;
  do {
    const query = new URLSearchParams({ ...filters, limit: String(Math.min(limit - messages.length, maxPageSize)) });
    if (next !== null) query.set('before', next);
    const page: Page = await admin.call('GET', `${adminPath('instances', instance, 'messages')}?${query.toString()}`);
    messages.push(...page.messages);
    next = page.next;
  } while (next !== null && messages.length < limit);
  return { messages, next };
}
