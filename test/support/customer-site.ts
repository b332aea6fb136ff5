import { startHttpServer } from './http-server.ts';
import { officialPageSdk, officialWorker } from './official-beams.ts';

export interface CustomerSite {
  /** An origin of its own, so that no worker, database or permission is shared with another test. */
  readonly origin: string;
  /** Path and query of every request for a page, in order. */
  readonly visits: readonly string[];
  /** Deploys another `/service-worker.js`. */
  readonly replaceServiceWorker: (content: string) => void;
  readonly close: () => Promise<void>;
}

interface SiteFiles {
  /** Content of `/service-worker.js`. */
  readonly serviceWorker: string;
  /** The site's auth endpoint `/beams-auth?user_id=`, which its page hands to `TokenProvider`. */
  readonly authenticate?: (userId: string) => { readonly token: string };
}

/** A website with Beams' official page SDK on every page. It also offers Beams' worker, as `/official-worker.js`. */
export async function startCustomerSite({ serviceWorker, authenticate }: SiteFiles): Promise<CustomerSite> {
  const visits: string[] = [];
  const scripts = new Map([
    ['/service-worker.js', serviceWorker],
    ['/official-worker.js', officialWorker()],
    ['/push-notifications-cdn.js', officialPageSdk()],
  ]);
  const server = await startHttpServer(({ path }) => {
    const url = new URL(path, 'http://site');
    const script = scripts.get(url.pathname);
    if (script !== undefined) return { status: 200, headers: { 'content-type': 'text/javascript' }, body: script };
    if (url.pathname === '/favicon.ico') return { status: 404 };
    if (url.pathname === '/beams-auth' && authenticate) {
      const body = JSON.stringify(authenticate(url.searchParams.get('user_id') ?? ''));
      return { status: 200, headers: { 'content-type': 'application/json' }, body };
    }
    visits.push(path);
    return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: pageHtml };
  });
  return {
    origin: server.origin,
    visits,
    replaceServiceWorker: (content) => void scripts.set('/service-worker.js', content),
    close: server.close,
  };
}

const pageHtml =
  '<!doctype html><html lang="en"><title>A customer</title><script src="/push-notifications-cdn.js"></script></html>';
