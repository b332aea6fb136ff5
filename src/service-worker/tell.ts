import { readInstance } from '../browser/instance-record.ts';
import type { OutboxItem } from '../browser/outbox-item.ts';
import type { MessageToPage } from '../protocol/worker-messages.ts';
import { beamsReport } from './beams-report.ts';
import { classicWebhook } from './classic-webhook.ts';
import type { Occurrence } from './occurrence.ts';
import { pageReport } from './page-report.ts';
import { reportOrigin } from './report-origin.ts';
import { listWindows } from './site-windows.ts';

/** What the server and the page's webhooks are told; each goes into an outbox of its own. */
export async function tell(occurrence: Occurrence): Promise<OutboxItem[]> {
  const { kind, metadata, state } = occurrence;
  const instance = await readInstance(metadata.instanceId);
  const origin = reportOrigin(instance);
  return [
    kind === 'clicked' ? beamsReport('open', origin, state) : null,
    pageReport(occurrence, origin),
    classicWebhook(occurrence, instance),
  ].filter((item) => item !== null);
}

/** For the page's own events, in every open tab. */
export async function tellPages({ kind, payload, metadata, action }: Occurrence): Promise<void> {
  const message: MessageToPage = {
    pharos: kind,
    publishId: metadata.publishId,
    notification: { ...payload.notification } as MessageToPage['notification'],
    data: payload.data,
    ...(action !== undefined && { action }),
  };
  for (const window of await listWindows()) window.postMessage(message);
}
