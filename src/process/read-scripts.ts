import { existsSync, readFileSync } from 'node:fs';
import type { Log } from '../core/ports/log.ts';
import type { Script } from '../wire/http/script-routes.ts';

/** Neutral names: ad-blockers know those that other push services use. */
const scriptNames = ['page.js', 'worker.js'];

/** The scripts for sites that were built, by their paths. */
export function readScripts(log: Log): Map<string, Script> {
  const scripts = new Map<string, Script>();
  for (const name of scriptNames) {
    const file = new URL(`../../dist/${name}`, import.meta.url);
    if (!existsSync(file)) {
      log.warn('script.missing', { file: file.pathname, mend: 'npm run build' });
      continue;
    }
    const script = { body: readFileSync(file), contentType: 'text/javascript; charset=utf-8' };
    // Short, since a page and its worker should be of one release; the check afterwards costs an empty answer.
    scripts.set(`/pharos/${name}`, { ...script, cacheControl: 'public, max-age=300' });
  }
  return scripts;
}
