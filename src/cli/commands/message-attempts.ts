import { Command } from 'commander';
import type { renderAttempt } from '../../wire/admin/render.ts';
import { adminPath } from '../admin-path.ts';
import { formatFields } from '../format-text.ts';
import { runOnServer } from '../run-on-server.ts';

export const messageAttempts = (): Command =>
  runOnServer(
    new Command('attempts')
      .description('Show each attempt to send a message, and what came back.')
      .argument('<instance>', 'instance id')
      .argument('<message>', 'message id'),
    async (admin, [instance, message]) => {
      const json = await admin.call<{ attempts: ReturnType<typeof renderAttempt>[] }>(
        'GET',
        adminPath('instances', instance, 'messages', message, 'attempts'),
      );
      const texts = json.attempts.map(attemptText);
      return { json, text: texts.length === 0 ? 'It has not been attempted.' : texts.join('\n\n') };
    },
  );

/** What came back, as it came. */
function attemptText(attempt: ReturnType<typeof renderAttempt>, index: number): string {
  const { startedAt, durationMs, status, error, address, responseHeaders, responseBody } = attempt;
  const fields = formatFields({
    attempt: index + 1,
    'started at': startedAt,
    'took (ms)': Math.round(durationMs),
    'connected to': address,
    status,
    error,
  });
  const { request, requestNote } = attempt;
  const sent = request
    ? [
        `  POST ${request.url}`,
        ...Object.entries(request.headers).map(([name, value]) => `  ${name}: ${printable(value)}`),
        '',
        `  ${printable(request.body)}`,
      ]
    : [`  (not shown: ${requestNote})`];
  const head = Object.entries(responseHeaders ?? {}).map(([name, value]) => `  ${name}: ${printable(value)}`);
  const body = (responseBody ?? '').split('\n').map((line) => `  ${printable(line)}`);
  return [fields, 'sent', ...sent, 'came back', ...head, ...(responseBody ? ['', ...body] : [])].join('\n');
}

/** What somebody else's server answered gives no orders to a terminal. */
const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '\uFFFD');
