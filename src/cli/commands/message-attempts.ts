import type { Command } from 'commander';
import type { renderAttempt } from '../../wire/admin/render.ts';
import { clientCommand, runOnServer } from '../client-command.ts';
import { formatTable } from '../format-text.ts';

export const messageAttempts = (): Command =>
  runOnServer(
    clientCommand('attempts', 'Show each attempt to send a message, and what came back.')
      .argument('<instance>', 'instance id')
      .argument('<message>', 'message id'),
    async (admin, [instance, message]) => {
      const path = `/instances/${encodeURIComponent(String(instance))}/messages/${encodeURIComponent(String(message))}/attempts`;
      const json = await admin.call<{ attempts: ReturnType<typeof renderAttempt>[] }>('GET', path);
      const rows = json.attempts.map(({ startedAt, durationMs, status, error }, index) => ({
        attempt: index + 1,
        'started at': startedAt,
        ms: durationMs,
        status,
        error,
      }));
      return { json, text: formatTable(rows, 'It has not been attempted.') };
    },
  );
