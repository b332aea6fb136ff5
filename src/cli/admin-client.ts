import { readFileSync } from 'node:fs';
import type { ClientSettings } from '../config/client-settings.ts';
import { CommandFailure } from './command-failure.ts';
import { downloadFile } from './download-file.ts';

/** The admin API of a running server. */
export interface AdminClient {
  /** `path` is below `/admin/v1`. Throws `CommandFailure` with the server's words unless it answers 2xx. */
  call<Answer>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer>;
  /** POSTs and saves the answer as a new file, whole or not at all; gives its size in bytes. */
  download(path: string, file: string): Promise<number>;
}

export const createAdminClient = ({ url, adminTokenFile }: ClientSettings): AdminClient => ({
  async call<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const authorization = `Bearer ${readToken(adminTokenFile)}`;
    const response = await fetch(`${url}/admin/v1${path}`, {
      method,
      headers: body ? { authorization, 'content-type': 'application/json' } : { authorization },
      ...(body && { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => noServer(url, cause));
    const text = await response.text();
    if (!response.ok) throw new CommandFailure(errorMessage(text) ?? `${url} answered ${response.status}`);
    return (text === '' ? null : parseAnswer(text, url)) as Answer;
  },
  async download(path, file) {
    const headers = { authorization: `Bearer ${readToken(adminTokenFile)}` };
    const result = await downloadFile(`${url}/admin/v1${path}`, headers, file).catch((cause: unknown) => {
      const { syscall, message } = cause as NodeJS.ErrnoException;
      if (syscall === 'connect') return noServer(url, cause);
      throw new CommandFailure(`${file} was not saved: ${message}`, 1, { cause });
    });
    if (typeof result === 'number') return result;
    throw new CommandFailure(errorMessage(result.body) ?? `${url} answered ${result.status}`);
  },
});

function parseAnswer(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandFailure(`what answers at ${url} is not Pharos`, 1, { cause });
  }
}

function noServer(url: string, cause: unknown): never {
  throw new CommandFailure(`no server answers at ${url}: is \`pharos serve\` running there?`, 1, { cause });
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const { message } = cause as Error;
    throw new CommandFailure(
      `the admin token cannot be read (${message}): name the server's --data-dir or --admin-token-file.`,
      1,
      { cause },
    );
  }
}

/** Null when the answer is not the admin API's. */
function errorMessage(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } };
    return typeof error?.message === 'string' ? error.message : null;
  } catch {
    return null;
  }
}
