import { OneSignal } from './one-signal.ts';
import { runItem } from './run-item.ts';

declare const window: Window & { OneSignal?: unknown; OneSignalDeferred?: unknown };

/** Sets the global `OneSignal` and replays, in order, what the page has pushed before this script was loaded. */
export function installOneSignal(): void {
  const pushed = window.OneSignal ?? [];
  if (!Array.isArray(pushed)) {
    console.error('Pharos: OneSignal is on this page already; load one page script only.');
    return;
  }
  const oneSignal = new OneSignal();
  window.OneSignal = oneSignal;
  for (const item of pushed) oneSignal.push(item);

  const deferred = Array.isArray(window.OneSignalDeferred) ? window.OneSignalDeferred : [];
  const push = (item: unknown): void => runItem(() => (item as (api: OneSignal) => unknown)(oneSignal));
  window.OneSignalDeferred = { push };
  deferred.forEach(push);
}
