/**
 * The worker script. A site's `service-worker.js` loads it with `importScripts("https://<pharos>/pharos/worker.js")`.
 *
 * Like Beams' own worker it neither skips waiting nor claims pages by itself: the file is imported into the site's own
 * worker, whose life is the site's to rule.
 */
import { watchClose } from '../browser/watch-close.ts';
import { beams } from './beams-global.ts';
import { flush, handleSync } from './flush-later.ts';
import { handleClick } from './handle-click.ts';
import { handleClose } from './handle-close.ts';
import { handleMessage } from './handle-message.ts';
import { handlePush } from './handle-push.ts';
import { handleSubscriptionChange } from './handle-subscription-change.ts';

declare const self: ServiceWorkerGlobalScope & { PusherPushNotifications: typeof beams };

self.PusherPushNotifications = beams;
watchClose('close-first');
self.addEventListener('push', handlePush);
self.addEventListener('notificationclick', handleClick);
self.addEventListener('notificationclose', handleClose);
self.addEventListener('pushsubscriptionchange', handleSubscriptionChange);
self.addEventListener('message', handleMessage);
self.addEventListener('sync', handleSync);
self.addEventListener('online', () => void flush());
