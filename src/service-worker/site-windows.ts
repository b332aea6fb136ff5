declare const self: ServiceWorkerGlobalScope;

/** The site's open tabs and windows, also those that no worker controls yet. */
export const listWindows = (): Promise<readonly WindowClient[]> =>
  self.clients.matchAll({ type: 'window', includeUncontrolled: true });
