import { isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../core/ports/push-connections.ts';
import type { AddressGuard } from './address-guard.ts';
import { connectionFailure, type EgressFailure, egressFailure } from './egress-failure.ts';
import type { Network } from './network.ts';

export interface ConnectDeps {
  readonly network: Network;
  readonly guard: AddressGuard;
  /** PEM; replaces Node's trusted roots. */
  readonly ca?: string;
  readonly clientCertificate?: ClientCertificate;
}

export interface ConnectTarget {
  /** As in `URL.hostname`; IP literals are normalised by WHATWG parsing before they come here. */
  readonly hostname: string;
  readonly port: number;
  /** Null: plain TCP. */
  readonly alpnProtocols: readonly string[] | null;
  readonly timeoutMs: number;
}

export interface Connected {
  readonly kind: 'connected';
  readonly socket: Socket;
  /** What ALPN chose, if anything. */
  readonly protocol: string | null;
  /** IP address. */
  readonly address: string;
}

/** An address that is not the last one gets this long, so that a dead IPv6 route does not cost the whole deadline. */
const attemptTimeoutMs = 1000;

/**
 * Resolves once and connects to exactly an address that was vetted, so that a second DNS answer cannot lead elsewhere.
 * Of a mixed answer only the allowed addresses are used (DNS64 adds forbidden ones to innocent names); with none left it
 * is refused. The host name stays what SNI and the certificate are checked against.
 */
export async function guardedConnect(deps: ConnectDeps, target: ConnectTarget): Promise<Connected | EgressFailure> {
  const signal = AbortSignal.timeout(target.timeoutMs);
  const hostname = target.hostname.replace(/^\[|\]$/g, '');
  const addresses = await vettedAddresses(deps, hostname, signal);
  if ('kind' in addresses) return addresses;

  let failure = egressFailure('connection', 'no address');
  for (const [index, address] of addresses.entries()) {
    const last = index === addresses.length - 1;
    const attempt = last ? signal : AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]);
    let socket: Socket | undefined;
    try {
      socket = deps.network.dial(address, target.port);
      await opened(socket, 'connect', attempt);
      if (!target.alpnProtocols) return { kind: 'connected', socket, protocol: null, address };
      const tls = await secured(deps, hostname, target.alpnProtocols, socket, signal);
      return { kind: 'connected', socket: tls, protocol: tls.alpnProtocol || null, address };
    } catch (error) {
      // A late error event must not end the process.
      socket?.on('error', () => socket?.destroy()).destroy();
      if (signal.aborted) return egressFailure('timeout', `no connection to ${hostname} in time`, address);
      failure = connectionFailure(error, `could not connect to ${hostname}`, address);
    }
  }
  return failure;
}

async function vettedAddresses(
  { network, guard }: ConnectDeps,
  hostname: string,
  signal: AbortSignal,
): Promise<readonly string[] | EgressFailure> {
  let addresses: readonly string[];
  try {
    addresses = isIP(hostname)
      ? [hostname]
      : await Promise.race([network.resolve(hostname, signal), rejection(signal)]);
  } catch (error) {
    if (signal.aborted) return egressFailure('timeout', `could not resolve ${hostname} in time`);
    return connectionFailure(error, `could not resolve ${hostname}`);
  }
  const allowed = addresses.filter((address) => guard.allows(address));
  if (allowed.length > 0) return allowed;
  return addresses.length > 0
    ? egressFailure('refused', `${hostname} is not at a public address: PHAROS_ALLOW_NETWORKS may name its network`)
    : egressFailure('connection', `could not resolve ${hostname}`);
}

/** Making one costs more than the rest of a connection does, and holds memory that is freed late. */
const secureContexts = new WeakMap<ConnectDeps, SecureContext>();

function secureContextOf(deps: ConnectDeps): SecureContext {
  const { ca, clientCertificate: client } = deps;
  const made =
    secureContexts.get(deps) ??
    createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(client && { cert: client.certificate, key: client.privateKey }),
    });
  secureContexts.set(deps, made);
  return made;
}

async function secured(
  deps: ConnectDeps,
  hostname: string,
  alpnProtocols: readonly string[],
  socket: Socket,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const tls = connectTls({
    socket,
    host: hostname,
    // RFC 6066, section 3: IP literals are not permitted in SNI.
    servername: isIP(hostname) ? '' : hostname,
    ALPNProtocols: [...alpnProtocols],
    secureContext: secureContextOf(deps),
  });
  try {
    await opened(tls, 'secureConnect', signal);
  } catch (error) {
    tls.on('error', () => tls.destroy()).destroy();
    throw error;
  }
  return tls;
}

/** Rejects when the socket fails, closes or is too late. */
function opened(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(signal.reason as Error);
    const closed = (): void => reject(new Error('closed while connecting'));
    signal.addEventListener('abort', late, { once: true });
    socket.once('close', closed).once('error', reject);
    socket.once(event, () => {
      signal.removeEventListener('abort', late);
      socket.off('close', closed).off('error', reject);
      resolve();
    });
  });
}

const rejection = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
