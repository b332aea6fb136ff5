import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DbusDaemon {
  /** For `DBUS_SESSION_BUS_ADDRESS`. */
  readonly address: string;
  readonly stop: () => Promise<void>;
}

/** A private session bus that starts no services of its own (Chromium would otherwise wake the accessibility bus). */
export async function startDbusDaemon(): Promise<DbusDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'pharos-bus-'));
  const configFile = join(folder, 'bus.conf');
  writeFileSync(
    configFile,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`,
  );
  const daemon = spawn('dbus-daemon', [`--config-file=${configFile}`, '--nofork', '--nopidfile', '--print-address=1'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  daemon.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
  const exited = new Promise<void>((resolve) => daemon.once('exit', () => resolve()));
  const address = await new Promise<string>((resolve, reject) => {
    daemon.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()));
    daemon.once('error', reject);
    daemon.once('exit', (code) => reject(new Error(`dbus-daemon ended with ${code}: ${complaints}`)));
  });
  return {
    address,
    async stop() {
      daemon.kill();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
