import { mkdtemp, rm } from 'node:fs/promises';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../src/storage/sqlite/open-sqlite-store.ts';
import { openWorld } from './beams-world.ts';
import { Placeholders, readTranscripts, type RawAnswer, type RawRequest } from './transcript.ts';

type Send = (request: RawRequest) => Promise<RawAnswer>;

const inMemory = async (app: FastifyInstance): Promise<Send> => {
  await app.ready();
  return async ({ method, path, headers, body }) => {
    const answer = await app.inject({
      method: method as 'GET',
      url: path,
      headers: { ...headers },
      ...(body !== null && { payload: body }),
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  };
};

const overSocket = async (app: FastifyInstance): Promise<Send> => {
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return ({ method, path, headers, body }) =>
    new Promise((resolve, reject) => {
      const request = http.request({ host: '127.0.0.1', port, method, path, headers: { ...headers } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      request.on('error', reject);
      request.end(body ?? undefined);
    });
};

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
    const store = await openSqliteStore({ file: await databaseFile() });
    onTestFinished(() => store.close());
    const world = await openWorld(store);
    onTestFinished(() => world.app.close());
    const send = await open(world.app);
    const placeholders = new Placeholders(world, transcript);
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
