import { Command } from 'commander';
import { platforms } from '../../protocol/ids.ts';
import type { renderPublish } from '../../wire/admin/render.ts';
import { adminPath } from '../admin-path.ts';
import { formatFields, formatTable } from '../format-text.ts';
import { runOnServer } from '../run-on-server.ts';

/** `insights`: not of servers up to 0.1.0. */
type ShownPublish = Omit<ReturnType<typeof renderPublish>, 'insights'> &
  Partial<Pick<ReturnType<typeof renderPublish>, 'insights'>>;

export const publishShow = (): Command =>
  runOnServer(
    new Command('show')
      .description('Show what became of a publish: deliveries, and devices that acknowledged and opened it.')
      .argument('<instance>', 'instance id')
      .argument('<publish>', 'publish id: pubid-…'),
    async (admin, [instance, publish]) => {
      const path = adminPath('instances', instance, 'publishes', publish);
      const json = await admin.call<ShownPublish>('GET', path);
      const fields = formatFields({
        'publish id': json.id,
        target: json.target,
        platforms: json.platforms,
        'accepted at': json.acceptedAt,
        'finished at': json.finishedAt,
        ...(json.target === 'users' && usersFields(json)),
      });
      return { json, text: `${fields}\n\n${devicesText(json)}` };
    },
  );

const usersFields = ({ users: { delivered, noDevices, failed } }: ShownPublish) => ({
  'users reached': String(delivered.length),
  'without devices': String(noDevices.length),
  'not reached': String(failed.length),
});

function devicesText({ counts, insights }: ShownPublish): string {
  const delivered = platforms.flatMap((platform) => (counts[platform] ? [{ platform, ...counts[platform] }] : []));
  const told = platforms.flatMap((platform) => {
    const shown = insights?.[platform];
    if (!shown) return [];
    const { triggered, acknowledged, acknowledgementRate, openable, opened, openRate } = shown;
    const acknowledgement = { triggered, acknowledged, 'acknowledgement rate': percent(acknowledgementRate) };
    return [{ platform, ...acknowledgement, openable, opened, 'open rate': percent(openRate) }];
  });
  return `${formatTable(delivered, 'No device was reached.')}\n\n${formatTable(told, 'There are no Insights.')}`;
}

const percent = (rate: number | null) => (rate === null ? null : `${(rate * 100).toFixed(1)} %`);
