/**
 * The push subscription of this browser under our key. One under another key, of the server that the site used before, is
 * given up first: `subscribe()` rejects while it exists.
 */
export async function subscribe(
  registration: ServiceWorkerRegistration,
  vapidPublicKey: string,
): Promise<PushSubscription> {
  const existing = await registration.pushManager.getSubscription();
  if (existing) {
    if (toBase64Url(existing.options.applicationServerKey) === vapidPublicKey) return existing;
    await existing.unsubscribe();
  }
  return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: vapidPublicKey });
}

function toBase64Url(key: ArrayBuffer | null): string {
  const bytes = String.fromCharCode(...new Uint8Array(key ?? []));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** As Beams' wire wants it: `btoa` of the JSON. */
export const subscriptionToken = (subscription: PushSubscription): string => btoa(JSON.stringify(subscription));
