import type { renderReplay } from '../wire/admin/render-replay.ts';
import { formatTable } from './format-text.ts';

export type ShownReplay = ReturnType<typeof renderReplay>;

export const replayTable = (replays: readonly ShownReplay[]): string =>
  formatTable(
    replays.map(({ id, target, states, eventType, since, state, resent, skipped, total }) => ({
      'replay id': id,
      // Of a webhook its id; webhookUrls have one for each host.
      target,
      messages: states,
      event: eventType,
      since,
      state,
      sent: `${resent} of ${total ?? '?'}`,
      skipped,
    })),
    'There are no replays.',
  );
