import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { OperatorProblem } from '../../core/ports/operator-problem.ts';

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly scheme: 'http' | 'https';
  /** Names of the settings that `host` and `port` come from. */
  readonly hostSetting: string;
  readonly portSetting: string;
}

/** Gives the origin that it listens on. Rejects with an `OperatorProblem` when it cannot. */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<string> {
  await app.listen({ host: options.host, port: options.port }).catch((cause: unknown) => {
    throw listenProblem(options, cause as NodeJS.ErrnoException);
  });
  const { address, family, port } = app.server.address() as AddressInfo;
  return `${options.scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function listenProblem({ host, port, hostSetting, portSetting }: ListenOptions, cause: NodeJS.ErrnoException): Error {
  const words = {
    EADDRINUSE: `port ${port} of ${host} is taken by another program (EADDRINUSE): end that, or set ${portSetting} to another port.`,
    EACCES: `port ${port} of ${host} is not allowed to this user (EACCES): set ${portSetting} to a port from 1024 on.`,
  }[String(cause.code)];
  const other = `cannot listen on ${host} (${cause.message}): set ${hostSetting} to an address of this machine.`;
  return cause.syscall === undefined ? cause : new OperatorProblem(words ?? other, { cause });
}
