import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// The package's main file is dist/push-notifications-esm.js.
const folder = join(dirname(createRequire(import.meta.url).resolve('@pusher/push-notifications-web')), '..');
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');

/** Beams' page SDK as its package ships it: a classic script that sets the global `PusherPushNotifications`. */
export const officialPageSdk = (): string => read('dist/push-notifications-cdn.js');

/** Beams' worker, which its package ships only as modules, as one classic script. */
export const officialWorker = (): string =>
  ['src/do-request.js', 'src/device-state-store.js', 'src/service-worker.js']
    .map((path) =>
      read(path)
        .replaceAll(/^import .*$/gm, '')
        .replaceAll('export default ', ''),
    )
    .join('\n');
