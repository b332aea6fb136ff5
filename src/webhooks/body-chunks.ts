import { WebhookError } from './webhook-error.ts';

/** A body that comes in pieces, and may be too large. */
export class BodyChunks {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Throws when it would be too much. */
  add(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size > this.#maxBytes) {
      throw new WebhookError('body-too-large', `the body has more than ${this.#maxBytes} bytes`);
    }
    this.#chunks.push(chunk);
  }

  whole(): Uint8Array {
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }
}
