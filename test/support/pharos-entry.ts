/** `pharos serve` in an internet of local servers: its only argument is an `EntryArgument` as JSON. */
import { readServerSettings } from '../../src/config/server-settings.ts';
import { createSystemNetwork } from '../../src/egress/network.ts';
import { startPharos } from '../../src/main.ts';
import type { Routes } from './routed-network.ts';
import { routedNetwork } from './routed-network.ts';

export interface EntryArgument {
  readonly routes: Routes;
  /** What has no route is reached over the network as it is. */
  readonly reachesOthers: boolean;
  readonly webhookRetryDelaysMs?: readonly number[] | undefined;
  readonly webhookBreakerPausesMs?: readonly number[] | undefined;
  readonly pushGiveUpAfterMs?: number | undefined;
  readonly credentialsPauseMs?: number | undefined;
}

const settings = readServerSettings();
if (!settings.ok) throw new Error(settings.mistakes.join('\n'));
const { routes, reachesOthers, ...waits } = JSON.parse(process.argv[2] ?? '') as EntryArgument;
const { webhookRetryDelaysMs, webhookBreakerPausesMs, pushGiveUpAfterMs, credentialsPauseMs } = waits;
const pharos = await startPharos(settings.value, {
  network: routedNetwork(routes, reachesOthers ? createSystemNetwork() : null),
  ...(webhookRetryDelaysMs && { webhookRetryDelaysMs }),
  ...(webhookBreakerPausesMs && { webhookBreakerPausesMs }),
  ...(pushGiveUpAfterMs !== undefined && { pushGiveUpAfterMs }),
  ...(credentialsPauseMs !== undefined && { credentialsPauseMs }),
});
process.once('SIGTERM', () => void pharos.stop());
