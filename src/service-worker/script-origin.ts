declare const self: ServiceWorkerGlobalScope;

/**
 * Origin of the file this code was loaded from. A worker has no `document.currentScript`, and `location` is that of the
 * importing script; the first URL of a stack trace is that of the running file in Firefox, Chromium and Safari alike.
 * A site that copies this script into a file of its own must set `endpointOverride`. Call it while the script loads.
 */
export function scriptOrigin(): string {
  const url = /https?:\/\/[^\s()@]+/.exec(new Error().stack ?? '')?.[0];
  return new URL(url ?? self.location.href).origin;
}
