/**
 * Notifications per second through the gateways of FCM and APNs, against a bare `node:http2` client with the same bodies
 * and window, and against the clients that others publish; access tokens against Google's own. Rounds alternate in one process; medians are printed.
 * Usage: node bench/gateways.ts [--rounds 7] [--count 3000]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PhoneReceiver } from './phone-receiver.ts';

const ipc = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
const receiver = fork(join(import.meta.dirname, 'phone-receiver.ts'), { stdio: [...ipc] });
const [{ port, authority }] = (await once(receiver, 'message')) as [PhoneReceiver];
// Clients that take no authority of their own get it from Node, which reads this when it starts.
const authorityFile = join(mkdtempSync(join(tmpdir(), 'pharos-bench-')), 'authority.pem');
writeFileSync(authorityFile, authority);
const sender = fork(join(import.meta.dirname, 'phone-sender.ts'), [String(port), ...process.argv.slice(2)], {
  stdio: [...ipc],
  env: { ...process.env, NODE_EXTRA_CA_CERTS: authorityFile },
});
// What `main.ts` wants to hear comes from the process that measures.
sender.on('message', (results: object) => process.send?.(results));
const [code] = (await once(sender, 'exit')) as [number | null];
receiver.disconnect();
process.exitCode = code ?? 1;
