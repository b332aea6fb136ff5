/**
 * The worker script. A site's `service-worker.js` loads it with `importScripts("https://<pharos>/pharos/worker.js")`.
 *
 * Like Beams' own worker it neither skips waiting nor claims pages: the file is imported into the site's own worker,
 * whose life is the site's to rule.
 */
import { beams } from './beams-global.ts';
import { handleClick } from './handle-click.ts';
import { handlePush } from './handle-push.ts';

declare const self: ServiceWorkerGlobalScope & { PusherPushNotifications: typeof beams };

self.PusherPushNotifications = beams;
self.addEventListener('push', handlePush);
self.addEventListener('notificationclick', handleClick);
