import type { GoneBrake } from '../core/delivery/gone-brake.ts';
import type { EventFeed } from '../core/feed/event-feed.ts';
import type { CachedDirectory } from '../core/instances/cached-directory.ts';
import type { Cluster, Hint } from '../core/ports/cluster.ts';
import type { Log } from '../core/ports/log.ts';
import type { FanOut } from '../core/publish/fan-out.ts';
import type { ReplayLoop } from '../core/recovery/replay-loop.ts';
import type { Dispatcher } from '../core/webhooks/dispatcher.ts';

export interface HintFollowers {
  readonly cluster: Pick<Cluster, 'onHint'>;
  readonly cache: Pick<CachedDirectory, 'forgetInstance' | 'forgetCredentials' | 'forgetWebhook' | 'forgetAll'>;
  readonly fanOut: Pick<FanOut, 'wake' | 'lookAgain'>;
  readonly dispatcher: Pick<Dispatcher, 'wake' | 'forgive'>;
  readonly replays: Pick<ReplayLoop, 'wake'>;
  readonly feed: Pick<EventFeed, 'wake'>;
  readonly brake: Pick<GoneBrake, 'refresh'>;
  readonly log: Log;
}

/** Lets this node know at once what another one tells; what gets lost, it finds out a few seconds later. */
export function followHints({ cluster, cache, fanOut, dispatcher, replays, feed, brake, log }: HintFollowers): void {
  const wake = { ranges: () => fanOut.wake(), messages: () => dispatcher.wake(), replays: () => replays.wake() };
  const refreshBrake = (): void =>
    void brake.refresh().catch((error: unknown) => log.warn('push-origin.not-read', { error }));
  const changed = ({ instanceId, webhookId }: Hint & { readonly kind: 'changed' }): void => {
    if (webhookId !== null) {
      cache.forgetWebhook(instanceId, webhookId);
      dispatcher.forgive({ instanceId, target: webhookId });
      return;
    }
    cache.forgetInstance(instanceId);
    cache.forgetCredentials(instanceId);
  };
  cluster.onHint((hint) => {
    switch (hint.kind) {
      case 'due':
        return wake[hint.queue]();
      case 'event':
        return feed.wake(hint.instanceId);
      case 'changed':
        return changed(hint);
      case 'push-origins':
        return refreshBrake();
      case 'anything':
        cache.forgetAll();
        refreshBrake();
        fanOut.lookAgain();
        dispatcher.wake();
        return replays.wake();
    }
  });
}
