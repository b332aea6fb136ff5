import { runOne, StoreUnavailable } from '../../core/ports/command.ts';
import { openSqliteStore } from '../sqlite/open-sqlite-store.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
import { testSealer } from './test-sealer.ts';

// A process for tests to kill or to starve of disk: accepts publishes without end, eight at a time, and tells what
// became of each: `<answer> <publish id>` a line.
const [file, instanceId] = process.argv.slice(2);
if (!file || !instanceId) throw new Error('usage: accept-until-killed <file> <instance id>');
const store = await openSqliteStore({ sealer: testSealer, file });
process.stdout.write('open\n');

async function acceptForever(owner: string): Promise<never> {
  for (;;) {
    const publishId = uuidV7();
    const accepting = runOne(store.acceptPublishes, {
      instanceId: owner,
      publishId,
      target: { kind: 'interests', interests: ['a'] },
      platforms: ['web'],
      body: { content: {}, request: { text: 'x'.repeat(4_000) } },
      urlTarget: 'url:a',
    });
    const answer = await accepting.then(
      () => 'accepted',
      (error: unknown) => {
        if (error instanceof StoreUnavailable) return 'unavailable';
        throw error;
      },
    );
    // The next publish waits for the pipe: what is not read stays bounded.
    await new Promise((resolve) => process.stdout.write(`${answer} ${publishId}\n`, resolve));
  }
}
await Promise.all(Array.from({ length: 8 }, () => acceptForever(instanceId)));
