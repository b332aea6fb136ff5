import type { DeliverDeps } from '../delivery/deliver.ts';
import { deliver } from '../delivery/deliver.ts';
import { runOne } from '../ports/command.ts';
import type { ClaimedDelivery, DeliveryRecord, PublishCommands } from '../ports/publish-store.ts';
import type { Sealer } from '../ports/sealer.ts';
import { openPublishBody } from './publish-body.ts';

export interface RetryDeliveryDeps extends DeliverDeps {
  readonly store: Pick<PublishCommands, 'completeDeliveries'>;
  readonly sealer: Sealer;
  /** The last delivery of a publish was settled: its closing messages are due. */
  readonly onFinished: () => void;
}

/** Tries one deferred delivery again and records what came of it; true when it was deferred once more. */
export async function retryDelivery(deps: RetryDeliveryDeps, claimed: ClaimedDelivery): Promise<boolean> {
  const { instanceId, publishId, claimToken } = claimed;
  const delivery = claimed.deviceGone ? goneMeanwhile(claimed) : await sendAgain(deps, claimed);
  const recorded = await runOne(deps.store.completeDeliveries, { instanceId, publishId, claimToken, delivery });
  if (recorded.kind === 'recorded' && recorded.finished) deps.onFinished();
  return delivery.outcome.kind === 'deferred';
}

async function sendAgain(deps: RetryDeliveryDeps, claimed: ClaimedDelivery): Promise<DeliveryRecord> {
  const body = openPublishBody(deps.sealer, claimed, claimed.body);
  const [delivery] = await deliver(deps, claimed, body, [claimed]);
  if (!delivery) throw new Error('a delivery to one device gave no record');
  return delivery;
}

function goneMeanwhile({ device }: ClaimedDelivery): DeliveryRecord {
  const { deviceNumber, platform, userNumber, address } = device;
  return { deviceNumber, platform, userNumber, address, outcome: { kind: 'gone' } };
}
