import { readFileSync } from 'node:fs';
import type { ClientSettings } from '../config/client-settings.ts';
import { CommandFailure } from './command-failure.ts';
import { downloadFile } from './download-file.ts';

/** The admin API of a running server. */
export interface AdminClient {
  /** `path` is below `/admin/v1`. Throws `CommandFailure` with the server's words unless it answers 2xx. */
  call<Answer>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer>;
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
    if (!response.ok) throw refusal({ url, adminTokenFile }, response.status, text);
    return (text === '' ? null : parseAnswer(text, url)) as Answer;
  },
  async download(path, file) {
    const headers = { authorization: `Bearer ${readToken(adminTokenFile)}` };
    const result = await downloadFile(`${url}/admin/v1${path}`, headers, file).catch((cause: unknown) => {
      const { syscall, message } = cause as NodeJS.ErrnoException;
      if (syscall === 'connect' || isUntrusted(cause)) return noServer(url, cause);
      throw new CommandFailure(`${file} was not saved: ${message}`, 1, { cause });
    });
    if (typeof result === 'number') return result;
    throw refusal({ url, adminTokenFile }, result.status, result.body);
  },
});

/** An answer other than 2xx, in the server's words. */
function refusal(
  { url, adminTokenFile }: Omit<ClientSettings, 'dataDir'>,
  status: number,
  text: string,
): CommandFailure {
  const message = errorMessage(text);
  if (status === 401 && message !== null) {
    const mend = "name the server's --data-dir or --admin-token-file";
    return new CommandFailure(`${url} does not take the admin token in ${adminTokenFile}: ${mend}.`);
  }
  return new CommandFailure(message ?? `${url} answered ${status}`);
}

function parseAnswer(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandFailure(`what answers at ${url} is not Pharos`, 1, { cause });
  }
}

function noServer(url: string, error: unknown): never {
  const { code, message } = reasonOf(error);
  throw new CommandFailure(words(url, code ?? message, isUntrusted(error)), 1, { cause: error });
}

function words(url: string, reason: string, untrustedCertificate: boolean): string {
  if (untrustedCertificate) {
    return `the certificate of ${url} is not trusted (${reason}): name a file with that of its authority in NODE_EXTRA_CA_CERTS.`;
  }
  if (/WRONG_VERSION|PACKET_LENGTH/.test(reason))
    return `what answers at ${url} speaks no TLS (${reason}): is it http: there?`;
  // Of a certificate that is over or of another name, and of what does not speak TLS.
  if (/CERT|TLS|SSL|EPROTO/.test(reason)) return `there is no safe connection to ${url} (${reason}).`;
  return `no server answers at ${url} (${reason}): is \`pharos serve\` running there?`;
}

/** `fetch` fails with the reason as its cause. */
const reasonOf = (error: unknown): NodeJS.ErrnoException =>
  (error as Error).cause instanceof Error ? ((error as Error).cause as Error) : (error as Error);

/** OpenSSL's names for a chain that ends at no authority that is known here. */
const untrusted = /SELF_SIGNED_CERT|^UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF_SIGNATURE)/;
const isUntrusted = (error: unknown): boolean => untrusted.test(reasonOf(error).code ?? '');

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
