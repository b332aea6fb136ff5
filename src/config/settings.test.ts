import { describe, expect, it } from 'vitest';
import { readClientSettings } from './client-settings.ts';
import { readServerSettings } from './server-settings.ts';
import type { ServerSettings } from './server-settings.ts';

function accepted(env: Record<string, string>, flags = {}): ServerSettings {
  const result = readServerSettings(flags, env);
  if (!result.ok) throw new Error(result.mistakes.join('\n'));
  return result.value;
}

function mistakes(env: Record<string, string>, flags = {}): readonly string[] {
  const result = readServerSettings(flags, env);
  return result.ok ? [] : result.mistakes;
}

describe('settings of the server', () => {
  it('needs none', () => {
    const settings = accepted({ PATH: '/bin' });
    expect(settings).toMatchObject({
      host: '127.0.0.1',
      port: 8790,
      tls: null,
      dataDir: './pharos-data',
      adminTokenFile: 'pharos-data/admin-token',
      vapidContact: 'mailto:pharos@example.com',
      allowHttpWebhooks: false,
      allowNetworks: [],
    });
    expect(settings.encryptionThreads).toBeGreaterThanOrEqual(1);
  });

  it('takes a flag rather than the variable', () => {
    expect(accepted({ PHAROS_PORT: '1' }, { port: '2' }).port).toBe(2);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(accepted({ PHAROS_PORT: '', PHAROS_TLS_PORT: '' })).toMatchObject({ port: 8790, tls: null });
  });

  it('reports all mistakes together, in words', () => {
    const found = mistakes(
      {
        PHAROS_PORT: '99999',
        PHAROS_DATADIR: '/x',
        PHAROS_ALLOW_NETWORKS: '10.0.0.0/8, 10.0.0.0/33',
        PHAROS_TLS_PORT: '8443',
        PHAROS_PUBLIC_URL: 'https://push.example.com/path',
      },
      { logLevel: 'loud' },
    );
    expect(found).toEqual([
      'PHAROS_DATADIR is not a setting. Did you mean PHAROS_DATA_DIR?',
      'PHAROS_PORT is `99999`, but should be a whole number from 0 to 65535.',
      'PHAROS_PUBLIC_URL is `https://push.example.com/path`, but should be an address like `https://push.example.com`, with nothing after the host and port.',
      'PHAROS_ALLOW_NETWORKS is `10.0.0.0/8, 10.0.0.0/33`, but should be a list of networks like `10.0.0.0/8` or `fd00::/8`, separated by commas (`10.0.0.0/33` is not).',
      '--log-level is `loud`, but should be one of `info`, `warn`, `error`.',
      'PHAROS_TLS_PORT, PHAROS_TLS_CERT_FILE, PHAROS_TLS_KEY_FILE go together: set all, or none.',
    ]);
  });

  it('suggests nothing for a variable that is like no setting', () => {
    expect(mistakes({ PHAROS_SOMETHING_QUITE_DIFFERENT: '1' })).toEqual([
      'PHAROS_SOMETHING_QUITE_DIFFERENT is not a setting.',
    ]);
  });

  it('takes the certificate, its key and the port together', () => {
    const tls = { PHAROS_TLS_PORT: '8443', PHAROS_TLS_CERT_FILE: 'c.pem', PHAROS_TLS_KEY_FILE: 'k.pem' };
    const files = { certFile: 'c.pem', keyFile: 'k.pem' };
    expect(accepted(tls).tls).toEqual({ host: '127.0.0.1', port: 8443, ...files });
    expect(accepted({ ...tls, PHAROS_HOST: '10.0.0.1' }).tls?.host).toBe('10.0.0.1');
    expect(accepted({ ...tls, PHAROS_TLS_HOST: '0.0.0.0' })).toMatchObject({
      host: '127.0.0.1',
      tls: { host: '0.0.0.0', port: 8443 },
    });
  });

  it('refuses an address for HTTPS without a port for it', () => {
    expect(mistakes({ PHAROS_TLS_HOST: '0.0.0.0' })).toEqual([
      'PHAROS_TLS_HOST needs PHAROS_TLS_PORT: without it nothing listens for HTTPS.',
    ]);
    expect(mistakes({ PHAROS_TLS_HOST: '0.0.0.0', PHAROS_TLS_CERT_FILE: 'c.pem' })).toEqual([
      'PHAROS_TLS_PORT, PHAROS_TLS_CERT_FILE, PHAROS_TLS_KEY_FILE go together: set all, or none.',
    ]);
  });

  it('gives networks a prefix length and hosts lower case', () => {
    const settings = accepted({
      PHAROS_ALLOW_NETWORKS: '10.0.0.1, fd00::/8,::1',
      PHAROS_PUSH_ENDPOINT_HOSTS: 'Push.Example.com,*.example.net, a.example:8443',
    });
    expect(settings.allowNetworks).toEqual(['10.0.0.1/32', 'fd00::/8', '::1/128']);
    expect(settings.pushEndpointHosts).toEqual(['push.example.com', '*.example.net', 'a.example:8443']);
  });

  it.each([
    [
      'PHAROS_ALLOW_NETWORKS',
      ['10.0.0.0/8/8', '10.0.0/8', 'localhost', 'fe80::1%eth0', '10.0.0.0/', ',', '10.0.0.0/+8'],
    ],
    ['PHAROS_PUSH_ENDPOINT_HOSTS', ['https://a.example', 'a b', '*', 'a.*.example', '-a.example', 'a:', 'a:0']],
    ['PHAROS_PUSH_ENDPOINT_HOSTS', ['a.example:65536', '256.1.1.1', '*.1.2.3.4.5']],
    ['PHAROS_TRUSTED_PROXIES', ['0.0.0.0/0', '::/0', 'proxy.example']],
    ['PHAROS_PUBLIC_URL', ['push.example.com', 'ftp://a.example', 'https://u:p@a.example', 'https://a.example/?q']],
    ['PHAROS_VAPID_CONTACT', ['me@example.com', 'mailto:me', 'http://a.example', 'https://']],
    ['PHAROS_ALLOW_HTTP_WEBHOOKS', ['1', 'yes', 'TRUE']],
    ['PHAROS_ENCRYPTION_THREADS', ['0', '-1', '1.5', 'two']],
    ['PHAROS_DATA_DIR', [' ']],
  ])('refuses wrong values of %s', (name, texts) => {
    for (const text of texts) expect(mistakes({ [name]: text }), text).toHaveLength(1);
  });

  it('gives push services the public address as the contact', () => {
    expect(accepted({ PHAROS_PUBLIC_URL: 'https://a.example/' }).vapidContact).toBe('https://a.example');
    expect(accepted({ PHAROS_PUBLIC_URL: 'http://a.example' }).vapidContact).toBe('mailto:pharos@example.com');
  });
});

describe('settings of the commands', () => {
  it('find the server of the same environment', () => {
    expect(readClientSettings({}, { PHAROS_PORT: '1234', PHAROS_DATA_DIR: '/data' })).toEqual({
      ok: true,
      value: { url: 'http://127.0.0.1:1234', adminTokenFile: '/data/admin-token', dataDir: '/data' },
    });
  });

  it('take an address and a token file', () => {
    const flags = { url: 'https://push.example.com', adminTokenFile: 'token' };
    expect(readClientSettings(flags, {})).toEqual({
      ok: true,
      value: { url: 'https://push.example.com', adminTokenFile: 'token', dataDir: './pharos-data' },
    });
  });
});
