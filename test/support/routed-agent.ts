import { Agent } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import type { TestAuthority } from './test-authority.ts';
import type { TlsFront } from './tls-front.ts';

/** For senders that take a `node:https` agent (`web-push`): leads the front's hosts to it and refuses every other. */
export class RoutedAgent extends Agent {
  readonly #front: TlsFront;
  readonly #ca: string;

  constructor(front: TlsFront, authority: TestAuthority) {
    super({ keepAlive: true });
    this.#front = front;
    this.#ca = authority.certificate;
  }

  override createConnection(options: { readonly host?: string }): Duplex {
    const servername = options.host ?? '';
    if (!this.#front.hosts.includes(servername)) throw new Error(`no way to ${servername} in this test`);
    return connect({ host: '127.0.0.1', port: this.#front.port, servername, ca: this.#ca });
  }
}
