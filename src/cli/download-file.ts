import { randomUUID } from 'node:crypto';
import { createWriteStream, linkSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/** An answer that is not 200: its status and body. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
}

/**
 * POSTs and saves what comes back under a name that must be free: the file is there whole, on the disk, or not at all.
 * There is no deadline before the answer begins: preparing it may take minutes. Gives the size in bytes.
 */
export async function downloadFile(
  url: string,
  headers: Readonly<Record<string, string>>,
  file: string,
): Promise<number | Refusal> {
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  const request = send(url, { method: 'POST', headers: { ...headers, 'content-length': 0 } }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) return { status: response.statusCode ?? 0, body: await text(response) };
  const partial = `${file}.${randomUUID()}.partial`;
  try {
    const target = createWriteStream(partial, { mode: 0o600, flags: 'wx', flush: true });
    // A connection that ends early is an error: the length was announced.
    await pipeline(response, target);
    linkSync(partial, file);
    return target.bytesWritten;
  } finally {
    rmSync(partial, { force: true });
  }
}
