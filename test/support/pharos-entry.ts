/** `pharos serve` in an internet of local servers: the routes are the only argument, as JSON. */
import { readServerSettings } from '../../src/config/server-settings.ts';
import { startPharos } from '../../src/main.ts';
import type { Routes } from './routed-network.ts';
import { routedNetwork } from './routed-network.ts';

const settings = readServerSettings();
if (!settings.ok) throw new Error(settings.mistakes.join('\n'));
const network = routedNetwork(JSON.parse(process.argv[2] ?? '{}') as Routes);
const pharos = await startPharos(settings.value, { network });
process.once('SIGTERM', () => void pharos.stop());
