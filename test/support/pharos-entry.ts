/** `pharos serve` in an internet of local servers: its only argument is an `EntryArgument` as JSON. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as ServerSettings from '../../src/config/server-settings.ts';
import { createSystemNetwork } from '../../src/egress/network.ts';
import type * as Main from '../../src/main.ts';
import type { Routes } from './routed-network.ts';
import { routedNetwork } from './routed-network.ts';

export interface EntryArgument {
  readonly routes: Routes;
  /** What has no route is reached over the network as it is. */
  readonly reachesOthers: boolean;
  /** Folder of a package of the server, which is what starts then. */
  readonly installed?: string | undefined;
  readonly webhookRetryDelaysMs?: readonly number[] | undefined;
  readonly webhookBreakerPausesMs?: readonly number[] | undefined;
  readonly pushGiveUpAfterMs?: number | undefined;
  readonly credentialsPauseMs?: number | undefined;
}

const { routes, reachesOthers, installed, ...waits } = JSON.parse(process.argv[2] ?? '') as EntryArgument;
const urlOf = (module: string): string =>
  installed === undefined
    ? new URL(`../../src/${module}.ts`, import.meta.url).href
    : pathToFileURL(join(installed, `lib/${module}.js`)).href;
const { readServerSettings } = (await import(urlOf('config/server-settings'))) as typeof ServerSettings;
const { startPharos } = (await import(urlOf('main'))) as typeof Main;
const settings = readServerSettings();
if (!settings.ok) throw new Error(settings.mistakes.join('\n'));
const { webhookRetryDelaysMs, webhookBreakerPausesMs, pushGiveUpAfterMs, credentialsPauseMs } = waits;
const pharos = await startPharos(settings.value, {
  network: routedNetwork(routes, reachesOthers ? createSystemNetwork() : null),
  ...(webhookRetryDelaysMs && { webhookRetryDelaysMs }),
  ...(webhookBreakerPausesMs && { webhookBreakerPausesMs }),
  ...(pushGiveUpAfterMs !== undefined && { pushGiveUpAfterMs }),
  ...(credentialsPauseMs !== undefined && { credentialsPauseMs }),
});
process.once('SIGTERM', () => void pharos.stop());
