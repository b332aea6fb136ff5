import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureBrowsers } from '../support/ensure-browsers.ts';

/** Once before all browser suites: the browsers are there, and the worker is the one of today's sources. */
export function setup(): void {
  ensureBrowsers();
  execFileSync(process.execPath, [fileURLToPath(new URL('../../scripts/build-scripts.ts', import.meta.url))], {
    stdio: 'inherit',
  });
}
