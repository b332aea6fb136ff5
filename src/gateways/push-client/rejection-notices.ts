import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';

/** So long the operator is not told again about the same cause. */
const warnEveryMs = 10 * 60_000;

const maxKinds = 1000;

export interface Rejection {
  readonly instanceId: string;
  readonly origin: string;
  readonly reason: string;
}

/** `cause`: a status, or what refused. */
export type NotifyRejection = (cause: string | number, rejection: Rejection) => void;

/** Tells the operator, once per instance, origin and cause in a while: a broken key rejects every device there is. */
export function createRejectionNotices({ clock, log }: { readonly clock: Clock; readonly log: Log }): NotifyRejection {
  const notices = new Map<string, { readonly at: number; suppressed: number }>();
  return (cause, rejection) => {
    const kind = `${rejection.instanceId} ${rejection.origin} ${cause}`;
    const now = clock();
    const last = notices.get(kind);
    if (last && now - last.at < warnEveryMs) {
      last.suppressed += 1;
      return;
    }
    if (notices.size >= maxKinds) notices.clear();
    notices.set(kind, { at: now, suppressed: 0 });
    log.warn('push.rejected', { ...rejection, cause, suppressed: last?.suppressed ?? 0 });
  };
}
