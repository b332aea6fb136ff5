import type { Command } from 'commander';
import { platforms } from '../../protocol/ids.ts';
import type { renderPublish } from '../../wire/admin/render.ts';
import { clientCommand, runOnServer } from '../client-command.ts';
import { formatFields, formatTable } from '../format-text.ts';

type ShownPublish = ReturnType<typeof renderPublish>;

export const publishShow = (): Command =>
  runOnServer(
    clientCommand('show', 'Show what became of a publish: deliveries, and devices that acknowledged and opened it.')
      .argument('<instance>', 'instance id')
      .argument('<publish>', 'publish id: pubid-…'),
    async (admin, [instance, publish]) => {
      const path = `/instances/${encodeURIComponent(String(instance))}/publishes/${encodeURIComponent(String(publish))}`;
      const json = await admin.call<ShownPublish>('GET', path);
      const fields = formatFields({
        'publish id': json.id,
        target: json.target,
        platforms: json.platforms,
        'accepted at': json.acceptedAt,
        'finished at': json.finishedAt,
      });
      return { json, text: `${fields}\n\n${devicesText(json)}` };
    },
  );

function devicesText({ counts, insights }: ShownPublish): string {
  const delivered = platforms.flatMap((platform) => (counts[platform] ? [{ platform, ...counts[platform] }] : []));
  const told = platforms.flatMap((platform) => {
    const shown = insights[platform];
    if (!shown) return [];
    const { triggered, acknowledged, acknowledgementRate, openable, opened, openRate } = shown;
    const acknowledgement = { triggered, acknowledged, 'acknowledgement rate': percent(acknowledgementRate) };
    return [{ platform, ...acknowledgement, openable, opened, 'open rate': percent(openRate) }];
  });
  return `${formatTable(delivered, 'No device was reached.')}\n\n${formatTable(told, 'No device that reports was reached.')}`;
}

const percent = (rate: number | null) => (rate === null ? null : `${(rate * 100).toFixed(1)} %`);
