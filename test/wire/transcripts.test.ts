import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openTestStore } from '../support/test-store.ts';
import { openWorld } from './beams-world.ts';
import { inMemory, overSocket } from './send.ts';
import { createPlaceholders, readTranscripts } from './transcript.ts';

async function temporaryFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pharos-wire-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'pharos.db');
}

const ways = [
  { way: 'in memory', open: inMemory, databaseFile: async (): Promise<string> => ':memory:' },
  { way: 'over a socket, on disk', open: overSocket, databaseFile: temporaryFile },
];
const transcripts = readTranscripts();

describe.each(ways)('$way', ({ open, databaseFile }) => {
  test.each(transcripts)('$title', async (transcript) => {
    const store = await openTestStore(await databaseFile());
    onTestFinished(() => store.close());
    const world = await openWorld(store);
    onTestFinished(() => world.app.close());
    const send = await open(world.app);
    const placeholders = createPlaceholders(world, transcript);
    for (const { about, request, answer } of transcript.exchanges) {
      const actual = await send(placeholders.request(request));
      const headers = Object.fromEntries(
        Object.keys(answer.headers ?? {}).map((name) => [name, actual.headers[name] ?? null]),
      );
      const body = placeholders.expectedBody(answer.body, actual.body);
      expect({ about, status: actual.status, headers, body: actual.body }).toEqual({
        about,
        status: answer.status,
        headers: answer.headers ?? {},
        body,
      });
    }
  });
});
