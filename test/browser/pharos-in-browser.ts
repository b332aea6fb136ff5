import { afterAll, beforeAll } from 'vitest';
import type { BrowserName, TestBrowser } from '../support/browser.ts';
import { startBrowser } from '../support/browser.ts';
import type { HttpHandler } from '../support/http-handler.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';

export const backendHost = 'backend.customer.example';

export interface PharosInBrowser {
  readonly browser: TestBrowser;
  readonly pharos: PharosProcess;
  /** One more server in the same network. */
  readonly startAnother: () => Promise<PharosProcess>;
}

/**
 * One browser and one real server for the tests of a suite, in a network with the browser's push service and the customer's
 * `backend`. They are there from the first test on.
 */
export function usePharosInBrowser(browserName: BrowserName, backend: HttpHandler): () => PharosInBrowser {
  const authority = createTestAuthority();
  const servers: PharosProcess[] = [];
  let browser: TestBrowser | undefined;
  let front: TlsFront | undefined;
  let world: PharosInBrowser;

  beforeAll(async () => {
    const opened = (browser = await startBrowser(browserName, authority));
    const { hosts, handler } = opened.pushService;
    const pushHandlers = Object.fromEntries(hosts.map((host) => [host, handler]));
    const fronts = [(front = await startTlsFront(authority, { ...pushHandlers, [backendHost]: backend }))];
    const startAnother = async (): Promise<PharosProcess> => {
      const server = await startPharosProcess({ authority, fronts });
      servers.push(server);
      return server;
    };
    world = { browser: opened, pharos: await startAnother(), startAnother };
  });

  afterAll(async () => {
    for (const server of servers) await server.remove();
    await browser?.close();
    await front?.close();
  });

  return () => world;
}
